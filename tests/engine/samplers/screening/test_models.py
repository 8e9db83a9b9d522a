"""Randomised trees know jumps, repeat themselves and are unsure where they saw little."""

import numpy as np
import pytest

from nas.engine.samplers._screening.models import fit_trees, predict_trees


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
