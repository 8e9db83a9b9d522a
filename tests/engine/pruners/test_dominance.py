"""Which trainings dominance stops, and which not."""

import numpy as np
import pytest

from nas.engine.pruners import Curves
from nas.registry import PRUNERS


def past(count: int = 60, noise: float = 0.0, seed: int = 0) -> Curves:
    """Trainings whose accuracy a loss tells, up to noise; cost has nothing to do with it."""
    rng = np.random.default_rng(seed)
    loss = rng.uniform(0.5, 2.5, count)
    accuracy = 1 - loss / 3 + noise * rng.standard_normal(count)
    points = np.stack([accuracy, rng.uniform(1, 9, count)], axis=1)
    return Curves(("accuracy", "latency"), (True, False), 0, points, np.stack([loss + 0.3, loss], axis=1))


def test_a_hopeless_training_is_stopped_and_a_good_one_goes_on():
    judge = PRUNERS.get("dominance")(past(noise=0.01))
    verdict = judge([2.7, 2.4], {"latency": 8.9})
    assert verdict is not None
    assert verdict.expected == pytest.approx(1 - 2.4 / 3, abs=0.03)
    assert "accuracy would come to" in verdict.reason
    assert judge([0.85, 0.55], {"latency": 8.9}) is None


def test_the_cheapest_is_never_stopped_however_bad():
    judge = PRUNERS.get("dominance")(past())
    assert judge([2.7, 2.4], {"latency": 0.5}) is None


def test_an_earlier_rung_is_judged_by_itself():
    judge = PRUNERS.get("dominance")(past(noise=0.01))
    assert judge([2.7], {"latency": 8.9}) is not None
    assert judge([0.9], {"latency": 8.9}) is None


def test_where_losses_tell_little_nothing_is_stopped():
    known = past(200)
    shuffled = np.random.default_rng(1).permutation(known.losses)
    judge = PRUNERS.get("dominance")(Curves(known.objectives, known.maximize, 0, known.points, shuffled))
    assert judge([2.7, 2.4], {"latency": 8.9}) is None


def test_few_finished_trainings_are_no_judge():
    assert PRUNERS.get("dominance")(past(10)) is None
    assert PRUNERS.get("none")(past(100)) is None


def test_an_objective_to_be_minimised_is_judged_the_other_way_round():
    known = past(noise=0.01)
    errors = known.points * [-1, 1]
    judge = PRUNERS.get("dominance")(Curves(("error", "latency"), (False, False), 0, errors, known.losses))
    assert judge([2.7, 2.4], {"latency": 8.9}) is not None
    assert judge([0.85, 0.55], {"latency": 8.9}) is None


def test_of_many_networks_that_reach_the_front_almost_none_is_stopped():
    judge, rng = PRUNERS.get("dominance")(past(200, noise=0.05)), np.random.default_rng(5)
    front = past(200, noise=0.05)
    best = front.points[:, 0].max()
    stopped = 0
    for _ in range(200):
        loss = rng.uniform(0.5, 0.8)
        reached = 1 - loss / 3 + 0.05 * rng.standard_normal()
        stopped += reached >= best and judge([loss + 0.3, loss], {"latency": 9.0}) is not None
    assert stopped <= 1


def test_the_scatter_of_bad_networks_does_not_save_one_near_the_front():
    rng = np.random.default_rng(0)
    loss = rng.uniform(0.0, 2.5, 100)
    error = 0.05 * np.exp(loss + 0.2 * rng.standard_normal(100))  # of the worst it scatters by .12, of the best by .01
    points = np.stack([1 - error, np.ones(100)], axis=1)
    judge = PRUNERS.get("dominance")(
        Curves(("accuracy", "macs"), (True, False), 0, points, np.stack([loss, loss], axis=1))
    )
    assert judge([1.1, 1.1], {"macs": 1.0}) is not None  # .85 to come, .96 reached
    assert judge([0.05, 0.05], {"macs": 1.0}) is None


def test_a_rival_of_long_ago_counts():
    known = past(400, noise=0.01)
    first = known.points.copy()
    first[0] = (0.95, 1.0)
    judge = PRUNERS.get("dominance")(Curves(known.objectives, known.maximize, 0, first, known.losses))
    assert "has 0.95" in judge([1.5, 1.2], {"latency": 5.0}).reason
