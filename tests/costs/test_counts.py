"""Parameters and multiply-adds: of published networks, of layers that can be counted by hand, of parts."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from outside import site as site
from torch.utils.flop_counter import FlopCounterMode

from nas.costs import counts
from nas.costs.counts import Cost, PartCost, cost, count, counted, parameters
from nas.errors import SpaceError, TimeLimitError
from nas.evaluation.plugins import load_plugins
from nas.network.architecture import Architecture, HeadSpec, StageSpec, StemSpec
from nas.network.build import build, sites, skeleton
from nas.network.pieces import Piece, pieces
from nas.space.library import load_architecture, load_space, shipped

# counted with the authors' code (see the files' headers): parameters exactly, multiply-adds within 1 %
PUBLISHED = {"coatnet_0": (25_036_820, 4.14e9), "moat_0": (27_846_892, 5.638e9)}


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_network_has_its_parameters(name):
    params, macs = PUBLISHED[name]
    known = cost(load_architecture(name))
    assert known.params == params
    assert known.macs == pytest.approx(macs, rel=0.01)


def by_torch(architecture: Architecture) -> Cost:
    """The whole network on the meta device, counted by torch module by module."""
    network = skeleton(architecture).eval()
    with FlopCounterMode(display=False) as counter:
        network(torch.empty(1, architecture.channels, architecture.resolution, architecture.resolution, device="meta"))
    found = counter.get_flop_counts()

    def part(path: str, kind: str, depth: int, width: int, resolution: tuple[int, int]) -> PartCost:
        macs = sum(found.get(f"Network.{path}", {}).values()) // 2
        params = parameters(network.get_submodule(path))
        return PartCost(path.replace("stages.", "stage "), kind, depth, width, resolution, params, macs)

    blocks = list(sites(architecture, network.stem.stride))
    parts = [part("stem", architecture.stem.kind, 1, architecture.stem.width, blocks[0].resolution)]
    for i, stage in enumerate(architecture.stages):
        last = blocks[sum(s.depth for s in architecture.stages[: i + 1]) - 1]
        parts.append(part(f"stages.{i}", stage.block, stage.depth, stage.width, last.out_resolution))
    parts.append(part("head", architecture.head.kind, 1, architecture.classes, (1, 1)))
    assert sum(p.params for p in parts) == parameters(network)
    return Cost(parameters(network), counter.get_total_flops() // 2, tuple(parts))


def members(name: str) -> Iterator[Architecture]:
    """A reference itself; some random networks of a space."""
    if shipped()[name].parent.name == "references":
        yield load_architecture(name)
        return
    space, rng = load_space(name), np.random.default_rng(0)
    for side in (None, 32):
        yield space.fit(resolution=side, channels=3, classes=10).sample(rng)[1]


def one_of_each() -> Iterator[Any]:
    """Yield what ships; of networks that differ in size alone, all but the first for a run that may be slow."""
    families: set[str] = set()
    for name in shipped():
        family = name.rpartition("_")[0] if shipped()[name].parent.name == "references" else name
        yield pytest.param(name, marks=[pytest.mark.slow] if family in families else [])
        families.add(family)


@pytest.mark.parametrize("name", list(one_of_each()))
def test_the_sums_of_pieces_are_what_torch_counts_of_the_whole(name):
    for architecture in members(name):
        assert cost(architecture) == by_torch(architecture)
        counted = [count(piece) for piece in pieces(architecture)]
        assert all(c.operators > 0 and c.traffic > 0 for c in counted)


@pytest.mark.parametrize("name", ["cvt_13", "swin_t", "deit_ti", "bam_resnet_50", "tiny_moat_0", "mobilenet_v2_035"])
def test_a_large_piece_counts_alike_on_the_meta_device(name, monkeypatch):
    """Up to an operator, and what the normalisations of one device or the other give back."""
    found = list(dict.fromkeys(pieces(load_architecture(name))))[:8]
    for limit in (0, 10**12):
        monkeypatch.setattr(counts, "LARGE", limit)
        here = [count.__wrapped__(piece) for piece in found]
        if limit == 0:
            meta = here
    for one, other in zip(meta, here, strict=True):
        assert (one.params, one.macs) == (other.params, other.macs)
        assert abs(one.operators - other.operators) <= 1
        assert one.traffic == pytest.approx(other.traffic, rel=0.03)


def test_the_parts_are_the_whole():
    for name in ("coatnet_0", "cvt_13", "mobilenet_v2"):
        known = cost(load_architecture(name))
        assert sum(p.params for p in known.parts) == known.params
        assert sum(p.macs for p in known.parts) == known.macs
        assert known.parts[0].name == "stem"
        assert known.parts[-1].name == "head"


def test_attention_counts_and_a_count_by_hand_agrees():
    """Patches, then one block of attention on 16 tokens: each product by hand."""
    net = load_architecture(
        {
            "resolution": 8, "channels": 1, "classes": 10,
            "stem": {"kind": "patchify", "width": 8, "patch_size": 2},
            "stages": [{"block": "transformer", "depth": 1, "width": 8, "stride": 1, "head_dim": 4, "mlp_ratio": 2}],
            "head": {"kind": "pool"},
        }
    )  # fmt: skip
    stem, block, head = cost(net).parts
    tokens, width = 16, 8
    assert stem.macs == tokens * 4 * width
    projections = tokens * width * 3 * width + tokens * width * width
    scores = 2 * tokens * tokens * width
    mlp = 2 * tokens * width * 2 * width
    assert block.macs == projections + scores + mlp
    assert head.macs == width * 10
    assert (stem.resolution, block.resolution, head.resolution) == ((4, 4), (4, 4), (1, 1))


def test_the_count_is_that_of_the_built_network():
    space = load_space("cvt_family")
    for architecture in (space.smallest(), space.largest()):
        network = build(architecture)
        assert cost(architecture).params == parameters(network)
        assert not any(p.is_meta for p in network.parameters())


def test_frozen_parameters_are_not_counted():
    layer = torch.nn.Linear(3, 4)
    layer.bias.requires_grad_(False)
    assert parameters(layer) == 12


UNKEPT = """
from torch import nn
from nas.network.blocks import Block
from nas.network.heads import Head
from nas.network.stems import Stem

__all__ = ["edgeless", "halving", "blind"]


class Edgeless(Block):
    letter = "EG"

    def __init__(self, site):
        super().__init__()
        self.conv = nn.Conv2d(site.in_width, site.width, 3, site.stride)

    def forward(self, x):
        return self.conv(x)


class Halving(Stem):
    stride = 4

    def __init__(self, channels, width):
        super().__init__()
        self.conv = nn.Conv2d(channels, width, 3, 2, 1)

    def forward(self, x):
        return self.conv(x)


class Blind(Head):
    def __init__(self, width, classes):
        super().__init__()
        self.linear = nn.Linear(width, classes + 1)

    def forward(self, x):
        return self.linear(x.mean((2, 3)))
"""


@pytest.mark.parametrize(
    ("stem", "block", "head", "said"),
    [
        (
            "conv",
            "edgeless",
            "pool",
            r"block 'edgeless' gives 8x7x7 of a map of 4x16x16 \(width 8, stride 2\), where 8x8x8",
        ),
        ("halving", "conv", "pool", r"stem 'halving' gives 4x16x16 of a map of 3x32x32 \(width 4\), where 4x8x8"),
        ("conv", "conv", "blind", r"head 'blind' gives 6 of a map of 8x8x8 \(width 5\), where 5"),
    ],
)
def test_what_gives_another_shape_than_it_promised_is_refused_with_both(
    site: Path, tmp_path: Path, stem: str, block: str, head: str, said: str
) -> None:
    (tmp_path / "unkept.py").write_text(UNKEPT)
    load_plugins(tmp_path / "unkept.py")
    stages = (StageSpec(block, 1, 8, 2),)
    network = Architecture(StemSpec(stem, 4), stages, HeadSpec(head), resolution=32, classes=5)
    with pytest.raises(SpaceError, match=f"^the {said} is promised; mend it, or offer it where it gives that$"):
        cost(network)
    assert cost(replace(network, stem=StemSpec("conv", 4), stages=(StageSpec("conv", 1, 8, 2),), head=HeadSpec("pool")))


def test_a_large_map_of_another_shape_is_refused_too(site: Path, tmp_path: Path) -> None:
    """Large pieces are counted on the meta device."""
    (tmp_path / "unkept.py").write_text(UNKEPT)
    load_plugins(tmp_path / "unkept.py")
    with pytest.raises(SpaceError, match=r"gives 64x110x110 of a map of 64x112x112 .*, where 64x112x112 is promised"):
        counted(Piece("block", "edgeless", (64, 112, 112), 64))


def test_a_limit_that_is_reached_meanwhile_is_no_fault_of_the_block(monkeypatch):
    def over(*_args, **_settings):
        raise TimeLimitError("took longer than 1 s")

    monkeypatch.setattr(counts, "_run", over)
    with pytest.raises(TimeLimitError, match="took longer than 1 s"):
        counted(next(pieces(load_architecture("coatnet_0"))))
