"""The spaces that ship: what they hold, and that any of their networks can be built."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from command import Command

from nas import document
from nas.costs.counts import cost
from nas.registry import BLOCKS
from nas.space.grammar import to_dict
from nas.space.library import load_architecture, load_space, shipped
from nas.space.matching import locate

SPACES = [name for name, path in shipped().items() if path.parent.name != "references"]
MEMBERS = {
    "coatnet_family": [f"coatnet_{i}" for i in range(5)],
    "moat_family": [*(f"moat_{i}" for i in range(5)), *(f"tiny_moat_{i}" for i in range(4))],
    "swin_cvt_family": ["swin_t", "swin_s", "swin_b", "cvt_13", "cvt_21", "cvt_w24"],
    "stems": [f"vit_{stem}_{size}gf" for stem in "pc" for size in (1, 4, 18, 36)],
}
PAIRS = [(space, name) for space, names in MEMBERS.items() for name in names]


@pytest.mark.parametrize(("space", "name"), PAIRS)
def test_a_published_network_is_a_point_of_its_family(space: str, name: str) -> None:
    network, family = load_architecture(name), load_space(space)
    assert family.replay(locate(family, network)).key() == network.key()


def test_the_command_says_yes_or_names_the_first_difference(nas: Command) -> None:
    yes = nas("spaces", "coatnet_family", "--contains", "coatnet_0")
    assert (yes.status, yes.out[:3]) == (0, "yes")
    no = nas("spaces", "coatnet_family", "--contains", "moat_0")
    assert no.status == 1
    assert "stem.bias: the network has True, the space False" in no.out
    other = nas("spaces", "coatnet_family", "--contains", "vit_b_16")
    assert other.status == 1
    assert "stages: the network has 1, the space 4" in other.out


def test_a_network_is_in_a_space_at_the_resolution_of_its_data(nas: Command, tmp_path: Path) -> None:
    """In a search resolution, channels and classes are those of the data, unless the space varies the resolution."""
    space, file = load_space("cvt_family"), tmp_path / "net.yaml"
    replace(space.fit(resolution=8, channels=1, classes=10).largest(), name="net").save(file)
    answer = nas("spaces", "cvt_family", "--contains", file)
    assert answer.status == 0
    assert "at 8 px where the file says 32: a search's is the data's" in " ".join(answer.out.split())
    found = json.loads(nas("spaces", "cvt_family", "--contains", file, "--json").out)
    assert (found["contains"], found["resolution"], found["resolutions"]) == (True, 8, [32])
    varied = tmp_path / "varied.yaml"
    varied.write_text(document.dump(to_dict(replace(space, resolution=(16, 32)))))
    answer = nas("spaces", varied, "--contains", file)
    assert answer.status == 1
    assert "resolution: the network has 8, the space 16, 32" in " ".join(answer.out.split())


@pytest.mark.parametrize("name", SPACES)
def test_networks_of_a_space_can_be_counted(name: str) -> None:
    space, rng = load_space(name), np.random.default_rng(0)
    for _ in range(3):
        decisions, architecture = space.sample(rng)
        assert locate(space, architecture) == decisions
        assert cost(architecture).params > 0


def test_the_zoo_offers_every_block_at_every_stage() -> None:
    zoo = load_space("hybrid_zoo")
    assert all(slot.kinds == tuple(BLOCKS.names()) for slot in zoo.stages)


@pytest.mark.parametrize("stage", range(4))
@pytest.mark.parametrize("kind", BLOCKS.names())
def test_the_zoo_can_build_every_block_at_every_stage(kind: str, stage: int) -> None:
    zoo = load_space("hybrid_zoo")
    network = zoo.decide(lambda name, values: kind if name == f"stages.{stage}.block" else values[0])
    assert network.stages[stage].block == kind
    assert cost(network).macs > 0


def test_each_space_and_network_says_what_it_is(nas: Command) -> None:
    listed = nas("spaces").out
    for name, path in shipped().items():
        assert path.read_text().startswith("# "), name
        row = next(line.split() for line in listed.splitlines() if line.split()[:1] == [name])
        assert len(row) > 1, row
