"""Trees of conditions learnt from walks."""

from dataclasses import replace

import numpy as np
import pytest

from nas.engine.samplers._screening.candidates import breed, neighbours
from nas.engine.samplers._screening.tree import explore, learn
from nas.evaluation.cost_table import keys_of
from nas.space.library import load_space


@pytest.mark.parametrize("name", ["cvt_family", "hybrid_zoo", "stems"])
def test_points_of_a_learnt_tree_are_points_of_the_space(name: str) -> None:
    """Nearly all: a decision that no random walk met, deep under rare choices, cannot be known."""
    space = load_space(name)
    rng = np.random.default_rng(0)
    tree, _ = explore(space.decide, rng)
    points = tree.draw(40, rng)
    points = np.concatenate([points, breed(points, tree, rng, 40), neighbours(points[:1], tree, rng)[:40]])
    exact = sum(set(space.record(_replay(tree.decode(p)))[0]) == set(tree.decode(p)) for p in points)
    assert exact >= 0.95 * len(points)


WIDE = {"from": 16, "to": 256, "step": 16}


def test_what_seldom_arises_is_learnt_too() -> None:
    """Of eight kinds with sixteen widths each one is met in one walk of a hundred."""
    stage = {"block": "any", "depth": [1, 2], "width": WIDE, "stride": 2}
    space = load_space({"name": "wide", "resolution": 32, "stem": {"kind": "conv", "width": 16}, "stages": [stage] * 3,
                        "blocks": {"transformer": {"head_dim": [8, 16, 32]}}})  # fmt: skip
    tree, _ = explore(space.decide, np.random.default_rng(0))
    for point in tree.draw(300, np.random.default_rng(1)):
        decisions = tree.decode(point)
        assert space.record(lambda name, values, d=decisions: d[name])[0] == decisions


@pytest.mark.parametrize("absent", [1, 2])
def test_a_decision_may_arise_in_several_cases(absent: int) -> None:
    """Which heads may follow is asked after a block with a class token, whichever stage is the last one there."""
    stage = {"block": ["vit", "moat"], "depth": 1, "width": [16, 32], "stride": 1}
    left_out = [stage | {"depth": [0, 1, 2]}] * absent
    blocks = {"vit": {"head_dim": 8}, "moat": {"head_dim": 8}}
    data = {"resolution": 16, "stem": {"kind": "conv", "width": 16}, "stages": [stage, *left_out], "blocks": blocks}
    space = load_space(data | {"head": {"kind": ["pool", "class_token"]}})
    rng = np.random.default_rng(0)
    tree, _ = explore(space.decide, rng)
    points = tree.draw(100, rng)
    decided = [tree.decode(point) for point in np.concatenate([points, breed(points, tree, rng, 100)])]
    assert all(space.record(_replay(decisions))[0] == decisions for decisions in decided)
    assert {"head.kind" in decisions for decisions in decided} == {True, False}


def _replay(decisions):
    return lambda name, values: decisions.get(name, values[0])


DOMAINS = {"kind": ("a", "b"), "a.deep": (False, True), "a.depth": (2, 3)}


def nested(kind: int, deep: int) -> dict[str, int]:
    walk = {"kind": kind}
    if kind == 1:
        walk["a.deep"] = deep
        if deep == 2:
            walk["a.depth"] = 2
    return walk


WALKS = [nested(kind, deep) for kind in (1, 2) for deep in (1, 2)]


def test_conditions_may_nest() -> None:
    tree = learn(DOMAINS, WALKS)
    codes = tree.settle(np.array([[1, 2, 2], [1, 1, 2], [2, 2, 2]], np.int32), np.random.default_rng(0))
    assert codes.tolist() == [[1, 2, 2], [1, 1, 0], [2, 0, 0]]
    assert tree.decode(codes[1]) == {"kind": "a", "a.deep": False}
    assert tree.whole(codes).all()
    assert tree.whole(np.array([[1, 2, 0], [0, 2, 0]], np.int32)).tolist() == [False, False]


def test_a_walk_that_was_cut_short_denies_nothing() -> None:
    """The kind `b` fails before anything else is decided; what follows from `a` is known all the same."""
    walks = [{"kind": 1}, *WALKS]
    tree = learn(DOMAINS, walks, [False, True, True, True, True])
    assert (
        tree.draw(50, np.random.default_rng(0)).tolist()
        == learn(DOMAINS, WALKS).draw(50, np.random.default_rng(0)).tolist()
    )


def test_what_is_held_is_in_every_point() -> None:
    tree = replace(learn(DOMAINS, WALKS), held={1: 2})
    codes = tree.draw(50, np.random.default_rng(0))
    assert {tuple(code) for code in codes.tolist()} == {(1, 2, 1), (1, 2, 2), (2, 0, 0)}


def test_every_point_is_found_in_the_end() -> None:
    tree, rng = learn(DOMAINS, WALKS), np.random.default_rng(0)
    taken: set[int] = set()
    while (point := tree.first(taken, rng)) is not None:
        taken.update(keys_of(point[None]))
    assert len(taken) == 4
    assert len(set(keys_of(tree.draw(99, rng))) - taken) == 0
