"""Points become numbers; randomised trees know jumps, repeat themselves and are unsure where they saw little."""

import numpy as np
import pytest

from nas.engine.samplers._screening.models import encoder, fit_trees, predict_trees
from nas.engine.samplers._screening.tree import Tree


def test_a_jump_is_known_and_trees_repeat():
    x = np.random.default_rng(0).random((200, 3))
    y = np.where(x[:, 0] > 0.5, 1.0, -1.0)
    probe = np.array([[0.9, 0.5, 0.5], [0.1, 0.5, 0.5]])
    mean, deviation = predict_trees(fit_trees(x, y), probe)
    assert mean == pytest.approx([1, -1], abs=0.2)
    assert (deviation < 0.7).all()
    again, _ = predict_trees(fit_trees(x, y), probe)
    assert (again == mean).all()


def test_they_disagree_where_they_saw_little():
    rng = np.random.default_rng(0)
    x = rng.random((100, 2))
    fitted = fit_trees(x, x.sum(axis=1))
    _, deviation = predict_trees(fitted, np.array([x[0], [0.5, 0.5]]))
    _, edge = predict_trees(fitted, np.array([[1.0, 1.0]]))
    assert edge[0] > 0
    assert deviation.max() < 1


def test_points_become_indicators_and_ranks_decision_by_decision():
    domains = {"block": ("conv", "moat"), "depth": (1, 2, 4), "width": tuple(range(8, 88, 8)), "norm": (True, False)}
    encoded = encoder(Tree(domains, ((),) * 4))
    points = np.array([[2, 1, 10, 0], [0, 3, 1, 1]], np.int32)
    #                        block  depth         width     norm
    assert encoded(points).tolist() == [[0, 1, 1, 0, 0, -1, 2, 0, 0], [0, 0, 0, 0, 1, 1, -2, 1, 0]]
    assert encoded(points[:0]).shape == (0, 9)
