"""Costs of many points at once: those that each point has by itself."""

from typing import Any

import numpy as np
import pytest

from nas.config import make_config
from nas.costs.counts import count
from nas.costs.latency.predictor import Predictor
from nas.engine.samplers._screening.tree import explore
from nas.evaluation.limits import Limits
from nas.evaluation.objectives import Conditions
from nas.network.pieces import pieces
from nas.space.library import load_space
from nas.space.space import SearchSpace, draw

OPTIONAL: dict[str, Any] = {
    "name": "optional",
    "resolution": [32, 48],
    "stem": {"kind": ["conv", "patchify"], "width": [16, 24], "patch_size": [2, 4]},
    "stages": [
        {"block": ["conv", "moat"], "depth": [1, 2], "width": [16, 24, 32], "stride": [1, 2]},
        {"block": ["mbconv", "transformer"], "depth": [0, 1, 3], "width": [32, 48], "stride": 2},
        {"block": ["conv", "swin", "moat"], "depth": [0, 1], "width": [36, 64], "stride": 1},
    ],
    "blocks": {"mbconv": {"expansion": [2, 4]}, "moat": {"head_dim": [8, 16]}, "swin": {"head_dim": [12, 16]}},
    "head": {"kind": "pool", "norm": ["layer", "batch"]},
}

DETECTORS: dict[str, Any] = OPTIONAL | {
    "name": "detectors",
    "stages": [*OPTIONAL["stages"], *2 * [{"block": "conv", "depth": [1, 2], "width": 16, "stride": 1}]],
    "head": {
        "kind": "detr", "width": [8, 16], "encoder": 1, "decoder": 1, "heads": 2, "hidden": 8, "queries": [4, 9],
        "anchors": [True, False], "levels": [1, 3, 2],
    },
}  # fmt: skip
SPACES = {"optional": OPTIONAL, "detectors": DETECTORS}


def predictor(space: SearchSpace) -> Predictor:
    """A predictor of a device on which a piece costs what its counts say."""

    def milliseconds(piece: Any) -> float:
        return 1e-3 * count(piece).operators + 1e-7 * count(piece).macs

    networks = draw(space, 12)
    blocks = {piece: milliseconds(piece) for network in networks for piece in pieces(network)}
    times = [(network, 0.1 + sum(blocks[piece] for piece in pieces(network))) for network in networks]
    return Predictor({}, space.name, tuple(times), tuple(blocks.items()))


def limits(space: SearchSpace, **settings: Any) -> Limits:
    return Limits(make_config({"space": space.name} | settings), Conditions(predictor=predictor(space)))


@pytest.mark.long
@pytest.mark.parametrize("name", ["cvt_family", "optional", "detectors"])
def test_many_points_cost_what_each_does(name: str) -> None:
    found = load_space(SPACES.get(name, name))
    space = found.fit(resolution=32, channels=3, classes=10)
    known = limits(space, objectives=("accuracy", "latency", "params"), maximum={"macs": 1e9})
    table, (tree, _) = known.table(space), explore(space.decide, np.random.default_rng(0))
    assert table
    for seed in (1, 2):  # the second time most parts are known
        codes = tree.draw(120, np.random.default_rng(seed))
        costs = table(tree.domains, codes)
        assert costs.keys() == {"latency", "params", "macs"}
        alone = [known.cheap(space.replay(tree.decode(code))) for code in codes]
        for cost, values in costs.items():
            assert values == pytest.approx([one[cost] for one in alone], rel=1e-12), cost
    assert len(table(tree.domains, codes[:0])["macs"]) == 0


def test_a_point_costs_the_same_in_any_company() -> None:
    """A proposal depends on the last bit of what it weighs, and must come out the same after a stop."""
    space = load_space("cvt_family").fit(resolution=32, channels=3, classes=10)
    tree, _ = explore(space.decide, np.random.default_rng(0))
    codes = tree.draw(60, np.random.default_rng(3))
    together = limits(space).table(space)
    alone = limits(space).table(space)
    assert together
    assert alone
    one_by_one = [alone(tree.domains, codes[i : i + 1])["latency"][0] for i in reversed(range(len(codes)))]
    assert together(tree.domains, codes)["latency"].tolist() == one_by_one[::-1]


def test_a_space_of_one_network_has_its_costs() -> None:
    stage = {"block": "conv", "depth": 1, "width": 16, "stride": 2}
    fixed = {"name": "one", "stem": {"kind": "conv", "width": 8}, "stages": [stage], "resolution": 32}
    space = load_space(fixed).fit(resolution=32, channels=3, classes=10)
    known = Limits(make_config({"space": "one", "objectives": ("accuracy", "macs")}), Conditions())
    table = known.table(space)
    assert table
    assert table({}, np.zeros((1, 0), np.int32))["macs"].tolist() == [known.cheap(space.smallest())["macs"]]


def test_where_something_is_no_sum_or_the_head_asks_for_a_token_points_are_told_one_by_one() -> None:
    flagship = load_space("cvt_family").fit(resolution=32, channels=3, classes=10)
    assert limits(flagship, objectives=("accuracy", "macs")).table(flagship)
    assert Limits(make_config({"space": "cvt_family"}), Conditions()).table(flagship) is None, "latency is measured"
    token = load_space({**OPTIONAL, "name": "token", "stages": [
        {"block": ["vit", "transformer"], "depth": [1, 2], "width": [32, 64], "stride": 2, "head_dim": 16}
    ], "blocks": {}, "head": {"kind": ["pool", "class_token"]}})  # fmt: skip
    assert limits(token, objectives=("accuracy", "macs")).table(token) is None
