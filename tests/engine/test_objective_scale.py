"""The scales on which models see losses."""

import numpy as np
import pytest

from nas.engine.objective_scale import Scale, even, spread_best, worst


@pytest.mark.parametrize("floor", [None, 0.0, -3.0])
def test_a_sure_prediction_comes_back_as_the_loss(floor):
    loss = np.array([0.5, 1.0, 2.0, 7.0])
    scale = Scale.of(loss, floor)
    seen = scale.apply(loss)
    assert (seen.mean(), seen.std()) == (pytest.approx(0, abs=1e-12), pytest.approx(1))
    mean, deviation = scale.undo(seen, np.zeros(4))
    assert mean == pytest.approx(loss)
    assert deviation == pytest.approx(np.zeros(4))


def test_moments_above_a_floor_are_those_of_the_drawn_losses():
    scale = Scale.of(np.array([1.0, 2.0, 3.0, 8.0]), -1.0)
    normal = np.random.default_rng(0).normal(0.3, 0.5, 400_000)
    drawn = np.exp(normal * scale.size + scale.centre) - 1
    mean, deviation = scale.undo(np.array([0.3]), np.array([0.5]))
    assert mean == pytest.approx(drawn.mean(), rel=0.01)
    assert deviation == pytest.approx(drawn.std(), rel=0.02)


def test_equal_losses_have_a_scale():
    assert Scale.of(np.full(3, 2.0), None).apply(np.full(3, 2.0)) == pytest.approx(np.zeros(3))


def test_costs_are_seen_by_their_ratio_and_accuracies_are_not():
    rng = np.random.default_rng(0)
    assert even(np.exp(rng.normal(size=200))) == 0.0
    assert even(rng.normal(5, 1, 200)) is None
    assert even(-np.exp(rng.normal(size=200))) is None


def test_the_best_are_told_apart():
    loss = -np.r_[0.90, 0.89, np.linspace(0.1, 0.8, 40)]
    floor = spread_best(loss)
    scale = Scale.of(loss, floor)
    seen = scale.apply(np.array([-0.90, -0.89, -0.20, -0.19]))
    assert floor < loss.min()
    assert seen[1] - seen[0] > 1.5 * (seen[3] - seen[2]), "a point at the top weighs more than one below"
    assert spread_best(np.ones(3)) is None


def test_what_is_far_worse_than_the_middle_counts_alike():
    assert worst(np.r_[np.linspace(0, 2, 25), 100.0]) == pytest.approx(0 + 3 * 1.0)
    assert worst(np.array([1.0, 1.0, 4.0])) == 4.0
