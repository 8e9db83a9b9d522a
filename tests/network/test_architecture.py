"""An architecture: YAML in and out, a key for equal networks, and the very network again."""

import io
import os
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import space_strategies
import torch
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nas.costs.counts import cost
from nas.errors import SettingError
from nas.network.architecture import Architecture, Decision, HeadSpec
from nas.network.build import build
from nas.network.layers.residual import DropPath
from nas.space.library import load_architecture, load_space, shipped
from nas.space.space import SearchSpace

MANY = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
FAMILY = "cvt_family"


def again(architecture: Architecture) -> Architecture:
    """What a file of the architecture holds."""
    return load_architecture(yaml.safe_load(architecture.to_yaml()))


def drawn(space: SearchSpace, seed: int) -> Architecture:
    return space.sample(np.random.default_rng(seed))[1]


@MANY
@given(space_strategies.spaces(), st.integers(0, 2**32))
def test_a_drawn_architecture_is_found_again_in_yaml_in_plain_data_and_by_its_hash_and_its_decisions(data, seed):
    decisions, architecture = load_space(data).sample(np.random.default_rng(seed))
    text = architecture.to_yaml()
    read = load_architecture(yaml.safe_load(text))
    assert read == architecture
    assert read.to_yaml() == text
    assert read.key() == architecture.key()
    plain = Architecture.from_dict(architecture.to_dict())
    assert plain == architecture
    assert plain.to_yaml() == text
    turned = [replace(stage, options=dict(reversed(stage.options.items()))) for stage in architecture.stages]
    for same in (read, pickle.loads(pickle.dumps(architecture)), replace(architecture, stages=(*turned,))):
        assert same == architecture
        assert hash(same) == hash(architecture)
    assert {name: architecture.value(name) for name in decisions} == decisions


def test_a_saved_file_is_the_architecture(tmp_path):
    for name in ("coatnet_0", "moat_0", "cvt_13", "swin_t"):
        architecture = load_architecture(name)
        architecture.save(tmp_path / "a.yaml")
        assert load_architecture(tmp_path / "a.yaml") == architecture


def assert_same_cost(seeds: range) -> None:
    family = load_space(FAMILY)
    for seed in seeds:
        architecture = drawn(family, seed)
        first, second = cost(architecture), cost(again(architecture))
        assert first == second


def test_a_rebuilt_network_has_the_same_parameters_and_multiply_adds():
    assert_same_cost(range(30))


@pytest.mark.slow
def test_a_thousand_rebuilt_networks_have_the_same_parameters_and_multiply_adds():
    assert_same_cost(range(1000))


@torch.no_grad()
def test_a_rebuilt_network_gives_the_same_outputs():
    family = load_space(FAMILY)
    for seed in range(20):
        architecture = drawn(family, 10_000 + seed)
        read = again(architecture)
        x = torch.randn(1, architecture.channels, architecture.resolution, architecture.resolution)
        first = build(architecture, seed=seed).eval()
        file = io.BytesIO()
        torch.save(first.state_dict(), file)
        file.seek(0)
        loaded = build(read, seed=seed + 1).eval()
        loaded.load_state_dict(torch.load(file))
        assert torch.equal(first(x), build(read, seed=seed).eval()(x))
        assert torch.equal(first(x), loaded(x))


def test_drop_path_rises_from_none_at_the_first_block_also_where_it_is_the_only_one():
    def rates(depth: int) -> list[float]:
        stage = {"block": "vit", "depth": depth, "width": 8, "stride": 1, "head_dim": 8}
        stem, head = {"kind": "conv", "width": 8}, {"kind": "pool"}
        network = build(load_architecture({"name": "deep", "resolution": 8, "channels": 1, "classes": 2, "stem": stem,
                                           "stages": [stage], "head": head}), drop_path=0.2)  # fmt: skip
        return list(dict.fromkeys(module.rate for module in network.modules() if isinstance(module, DropPath)))

    assert (rates(3), rates(1)) == ([0.0, 0.1, 0.2], [0.0])


def test_a_seed_leaves_the_global_generator_alone():
    state = torch.get_rng_state()
    build(load_space(FAMILY).smallest(), seed=3)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_seed_leaves_the_generators_of_gpus_alone(monkeypatch):
    seeded: list[int] = []
    monkeypatch.setattr(torch.cuda, "manual_seed_all", seeded.append)
    first, again = (build(load_space(FAMILY).smallest(), seed=3).state_dict() for _ in range(2))
    assert not seeded
    assert all(torch.equal(first[name], again[name]) for name in first)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_seed_draws_on_a_gpu_too_and_leaves_its_generator_alone():
    state = torch.cuda.get_rng_state()
    with torch.device("cuda"):
        first, again = (build(load_space(FAMILY).smallest(), seed=3).state_dict() for _ in range(2))
    assert first["stem.conv1.weight"].is_cuda
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert torch.equal(torch.cuda.get_rng_state(), state)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"drop_path": "x"}, "drop_path: found 'x'; write a rate from 0 to below 1"),
        ({"seed": 2**70}, "seed: found 1180591620717411303424; write a whole number from 0 to 18446744073709551615"),
        ({"seed": -1}, "seed: found -1; write"),
        ({"seed": 0.5}, "seed: found 0.5; write"),
    ],
)
def test_a_rate_or_a_seed_that_is_none_is_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingError, match=said):
        build(load_space(FAMILY).smallest(), **settings)


@pytest.mark.parametrize("found", ["coatnet_0", Path("best.yaml"), {"name": "x"}, None])
def test_what_is_no_architecture_is_refused_with_what_makes_one(found: Any) -> None:
    with pytest.raises(
        SettingError, match=r"architecture: found .*; write nas\.load_architecture of a name, a file or"
    ):
        build(found)


def test_the_key_ignores_names_and_the_way_a_number_is_written():
    base = load_architecture("moat_0").to_dict()
    key = load_architecture(base).key()
    assert load_architecture(base | {"name": "other"}).key() == key
    stages = [stage | ({"expansion": 4.0} if stage["block"] == "moat" else {}) for stage in base["stages"]]
    assert load_architecture(base | {"stages": stages}).key() == key  # 4 is the default


@pytest.mark.parametrize(
    "change", [{"resolution": 192}, {"classes": 10}, {"channels": 1}, {"head": {"kind": "pool", "norm": "none"}}]
)
def test_the_key_tells_networks_apart(change):
    base = load_architecture("moat_0").to_dict()
    assert load_architecture(base | change).key() != load_architecture(base).key()


def test_hashes_tell_networks_apart_by_one_option():
    """Thousands of a space's networks differ in options alone, and each is looked up: one shared hash would be slow."""
    base = load_architecture("moat_0")
    heads = [replace(base, head=HeadSpec("pool", {"norm": norm})) for norm in ("none", "layer", "batch")]
    stems = [replace(base, stem=replace(base.stem, options={"bias": bias})) for bias in (False, True)]
    stages = [replace(base, stages=(replace(base.stages[0], options={"expansion": n}),)) for n in range(1, 17)]
    assert len({*map(hash, heads)}) == 3
    assert len({*map(hash, stems)}) == 2
    assert len({*map(hash, stages)}) == 16


def test_the_key_is_the_same_in_every_process():
    """Also in one whose hashes of texts are others."""
    code = (
        "import numpy as np; from nas.space.library import load_space; s = load_space('cvt_family');"
        "print([s.sample(np.random.default_rng(i))[1].key() for i in range(20)], hash('conv'))"
    )
    seed = "1" if os.environ.get("PYTHONHASHSEED") == "0" else "0"
    done = subprocess.run([sys.executable, "-c", code], env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True,
                          text=True, check=True)  # fmt: skip
    here = [drawn(load_space(FAMILY), seed).key() for seed in range(20)]
    keys, _, other = done.stdout.strip().rpartition(" ")
    assert keys == str(here)
    assert int(other) != hash("conv")


def test_the_layout_spells_the_stages():
    assert load_architecture("coatnet_0").layout() == "M-M-T-T"
    assert load_architecture("moat_0").layout() == "M-M-A-A"
    assert load_architecture("moat_0").depths() == "2-3-7-2"


def test_every_published_network_is_read_back_from_its_plain_data():
    for name, path in shipped().items():
        if path.parent.name == "references":
            architecture = load_architecture(name)
            data = architecture.to_dict()
            assert Architecture.from_dict(data) == architecture
            assert data == architecture.to_dict(), "the data is left as it was"


@pytest.mark.parametrize(
    "change",
    [
        {"stem": None},
        {"stem": {"kind": "conv"}},
        {"stages": []},
        {"stages": 3},
        {"stages": {"block": "conv"}},
        {"stages": [{"block": ["conv", "moat"], "depth": 1, "width": 8, "stride": 1}]},
        {"head": "pool"},
        {"resolution": [32, 64]},
        {"blocks": {}},
    ],
)
def test_data_of_another_shape_is_refused(change):
    data = load_architecture("coatnet_0").to_dict() | change
    with pytest.raises((ValueError, KeyError, TypeError)):
        Architecture.from_dict(data)


def test_plain_data_is_read_without_any_kind():
    code = (
        "import sys; from nas.network.architecture import Architecture;"
        "import nas.space.grammar, nas.space.library, nas.space.matching;"
        f"Architecture.from_dict({load_architecture('coatnet_0').to_dict()!r}); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("name", "decision"),
    [
        ("resolution", Decision("resolution")),
        ("stem.width", Decision("stem", field="width")),
        ("stem.conv.stride", Decision("stem", 0, ("conv",), "stride")),
        ("stages.12.block", Decision("stages", 12, (), "block")),
        ("stages.2.moat.24.head_dim", Decision("stages", 2, ("moat", "24"), "head_dim")),
        ("head.swin.kind", Decision("head", 0, ("swin",), "kind")),
    ],
)
def test_a_decision_is_parsed_and_written(name, decision):
    assert Decision.parse(name) == decision
    assert str(decision) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "resolution.x",
        "stem",
        "stages",
        "stages.2",
        "stages.two.block",
        "stages.-1.block",
        "stages.1_0.block",
        "stages. 1.block",
        "body.width",
    ],
)
def test_what_names_no_value_is_no_decision(name):
    with pytest.raises(ValueError, match=r"value of a network|invalid literal"):
        Decision.parse(name)


def test_an_option_of_another_kind_has_no_value():
    architecture = load_architecture("coatnet_0")
    assert architecture.value("stages.0.mbconv.se_ratio") == 0.25
    with pytest.raises(KeyError):
        architecture.value("stages.0.window")
