"""Trees of conditions learnt from walks."""

import numpy as np
import pytest

from nas.engine.samplers._screening.candidates import breed, neighbours
from nas.engine.samplers._screening.tree import Tree, explore, learn
from nas.space.library import load_space


@pytest.mark.parametrize("name", ["cvt_family", "hybrid_zoo", "stems"])
def test_points_of_a_learnt_tree_are_points_of_the_space(name: str) -> None:
    """Nearly all: a decision that no random walk met, deep under rare choices, cannot be known."""
    space = load_space(name)
    rng = np.random.default_rng(0)
    tree = explore(space.decide, rng)
    points = tree.draw(40, rng)
    points = np.concatenate([points, breed(points, tree, 40, rng), neighbours(points[:1], tree, rng)[:40]])
    exact = sum(set(space.record(_replay(tree.decode(p)))[0]) == set(tree.decode(p)) for p in points)
    assert exact >= 0.95 * len(points)


def _replay(decisions):
    return lambda name, values: decisions.get(name, values[0])


def nested(kind: str, deep: bool) -> dict[str, object]:
    walk: dict[str, object] = {"kind": kind}
    if kind == "a":
        walk["a.deep"] = deep
        if deep:
            walk["a.depth"] = 3
    return walk


def test_conditions_may_nest() -> None:
    domains = {"kind": ("a", "b"), "a.deep": (False, True), "a.depth": (2, 3)}
    tree = learn(domains, [nested(k, d) for k in "ab" for d in (False, True)])
    codes = tree.settle(np.array([[1, 2, 2], [1, 1, 2], [2, 2, 2]], np.int16), np.random.default_rng(0))
    assert codes.tolist() == [[1, 2, 2], [1, 1, 0], [2, 0, 0]]
    assert tree.decode(codes[1]) == {"kind": "a", "a.deep": False}


def test_codes_give_back_what_was_walked() -> None:
    tree = Tree({"x": (8, 16), "y": ("a", "b", "c")}, ((), ()))
    walks = [{"x": 16, "y": "a"}, {"x": 8}, {"x": 16, "y": "unheard of", "z": 1}]
    codes = tree.encode(walks)
    assert codes.tolist() == [[2, 1], [1, 0], [2, 0]]
    assert [tree.decode(code) for code in codes] == [walks[0], walks[1], {"x": 16}]
