"""Where a network lies in a space: located exactly, or the nearest point to it."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nas.errors import SpaceError
from nas.network.architecture import Architecture
from nas.space.library import load_architecture, load_space
from nas.space.matching import locate, nearest
from nas.space.space import SearchSpace

OPTIONAL: dict[str, Any] = {
    "name": "optional",
    "resolution": 32,
    "classes": 10,
    "stem": {"kind": "conv", "width": 16},
    "stages": [
        {"block": ["conv", "vit"], "depth": [0, 1], "width": [16, 32], "stride": 1, "head_dim": 16},
        {"block": ["conv", "mbconv"], "depth": [1, 2], "width": 32, "stride": 2},
        {"block": ["vit", "conv"], "depth": [0, 2, 3], "width": [32, 48], "stride": 2, "head_dim": [8, 16]},
    ],
    "head": {"kind": ["pool", "class_token"]},
}


def _all(space: SearchSpace) -> list[Architecture]:
    """Every point, by counting through the decisions."""
    found: list[Architecture] = []
    todo: list[list[int]] = [[]]
    while todo:
        path = todo.pop()
        sizes: list[int] = []

        def choose(_: str, values: Any, path: list[int] = path, sizes: list[int] = sizes) -> Any:
            sizes.append(len(values))
            return values[path[len(sizes) - 1] if len(sizes) <= len(path) else 0]

        architecture = space.decide(choose)
        if len(sizes) > len(path):
            todo += [[*path, i] for i in range(sizes[len(path)])]
        else:
            found.append(architecture)
    return found


def test_stages_that_may_be_left_out_are_counted() -> None:
    space = load_space(OPTIONAL)
    every = _all(space)
    assert space.size() == len(every) == len({a.key() for a in every})
    assert {len(a.stages) for a in every} == {1, 2, 3}


def test_a_class_token_is_read_only_behind_blocks_that_carry_it() -> None:
    last = {(a.stages[-1].block, a.head.kind) for a in _all(load_space(OPTIONAL))}
    assert last == {("vit", "pool"), ("vit", "class_token"), ("conv", "pool"), ("mbconv", "pool")}


def test_every_point_is_located_and_is_nearest_to_itself() -> None:
    space = load_space(OPTIONAL)
    for architecture in _all(space):
        assert space.replay(locate(space, architecture)).key() == architecture.key()
        assert nearest(space, architecture) == locate(space, architecture)


def test_a_network_is_found_among_thousands_of_ways_to_leave_stages_out() -> None:
    stages = [{"block": "conv", "depth": [0, 1], "width": 8 * i, "stride": 1} for i in range(1, 15)]
    stages.append({"block": "conv", "depth": 1, "width": 8, "stride": 1})
    space = load_space({"name": "long", "stem": {"kind": "conv", "width": 8}, "stages": stages})
    for kept in ([*range(7, 14)], [0, 2, 4, 6, 8, 10, 12], [13]):
        network = space.replay({f"stages.{i}.depth": int(i in kept) for i in range(14)})
        assert space.replay(locate(space, network)) == network
    with pytest.raises(SpaceError, match=r"stages\.1\.width: the network has 8, the space 16"):
        locate(space, load_architecture(network.to_dict() | {"stages": 3 * network.to_dict()["stages"][-1:]}))


def _stages(*depths: int) -> dict[str, Any]:
    stages = [{"block": "conv", "depth": d, "width": 32, "stride": 2} for d in depths]
    return {"resolution": 32, "classes": 10, "stem": {"kind": "conv", "width": 16}, "stages": stages}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"resolution": 48}, "resolution: the network has 48, the space 32"),
        ({"classes": 12}, "classes: the network has 12, the space 10"),
        ({"stem": {"kind": "patchify", "width": 16}}, "stem.kind: the network has patchify, the space conv"),
        ({"stem": {"kind": "conv", "width": 24}}, "stem.width: the network has 24, the space 16"),
        (_stages(3), "stages.0.depth: the network has 3, the space 1, 2"),
        (_stages(1, 1, 1, 1), "stages: the network has 4, the space 1 to 3"),
        ({"head": {"kind": "pool", "hidden": True}}, "head.hidden: the network has True, the space False"),
    ],
)
def test_the_first_difference_is_named(change: dict[str, Any], reason: str) -> None:
    network = load_architecture(_stages(1) | change)
    with pytest.raises(SpaceError) as error:
        locate(load_space(OPTIONAL), network)
    assert str(error.value) == reason


def test_a_published_network_keeps_its_shape_in_a_small_space() -> None:
    space = load_space("cvt_family")
    near = space.replay(nearest(space, load_architecture("coatnet_0")))
    assert near.layout() == "M-M-T-T"
    assert [s.width for s in near.stages] == [12, 24, 48, 64]
    assert [s.depth for s in near.stages] == [1, 2, 3, 1]
    assert near.stem.kind == "conv"
    assert near.stages[0].options["expansion"] == 4


def test_a_kind_that_is_not_offered_becomes_its_nearest_relative() -> None:
    space = load_space("cvt_family")
    layouts = {
        n: space.replay(nearest(space, load_architecture(n))).layout() for n in ("swin_t", "mobilenet_v2", "deit_s")
    }
    assert layouts == {"swin_t": "T-T-T-T", "mobilenet_v2": "M-M-M-M", "deit_s": "T-T-T-T"}


def test_a_stage_looks_at_the_one_that_stands_as_deep() -> None:
    space = load_space("cvt_family")
    near = space.replay(nearest(space, load_architecture("mobilenet_v2")))  # 7 stages: the first, third, fifth, last
    assert [s.width for s in near.stages] == sorted(s.width for s in near.stages)
    assert near.stages[0].width < near.stages[-1].width


@settings(deadline=None, max_examples=50)
@given(st.sampled_from(["cvt_family", "hybrid_zoo", "swin_cvt_family"]), st.sampled_from(["hybrid_zoo", "stems"]),
       st.integers(0, 2**32 - 1))  # fmt: skip
def test_any_network_has_a_nearest_point_in_any_space(home: str, other: str, seed: int) -> None:
    network = load_space(other).sample(np.random.default_rng(seed))[1]
    space = load_space(home)
    near = space.replay(nearest(space, network))
    assert space.replay(nearest(space, near)).key() == near.key()
