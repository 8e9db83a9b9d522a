"""What networks are expected to reach on the last rung."""

import numpy as np
import pytest
from scipy.special import expit, logit

from nas.record.rungs import reach

NAN = np.nan


def table(first, **later):
    """Values `(networks, rungs)`, those above the first given by network."""
    values = np.full((len(first), 3), NAN)
    values[:, 0] = first
    for rung, found in ((1, later.get("second", {})), (2, later.get("third", {}))):
        for network, value in found.items():
            values[network, rung] = value
    return values


def test_without_a_network_on_two_rungs_values_stay_as_they_are():
    first = np.array([0.5, 0.6, 0.9])
    found = reach(table(first), np.ones((3, 1)), {}, share=True)
    assert found.value == pytest.approx(first)
    assert (found.doubt > 0).all()


def test_few_networks_on_two_rungs_tell_a_common_rise_step_by_step():
    values = table([0.5, 0.6, 0.7], second={1: 0.8, 2: 0.9}, third={2: 0.95})
    found = reach(values, np.ones((3, 1)), {}, share=True)
    first, second = (logit(0.8) - logit(0.6) + logit(0.9) - logit(0.7)) / 2, logit(0.95) - logit(0.9)
    assert found.value == pytest.approx([expit(first + second), expit(logit(0.8) + second), 0.95])
    assert found.doubt[0] > found.doubt[1], "two steps are less sure than one"


def test_many_networks_tell_how_the_rise_depends_on_value_and_cost():
    rng = np.random.default_rng(0)
    first, cost = rng.uniform(0.4, 0.7, 60), np.exp(rng.uniform(0, 3, 60))
    truth = expit(logit(first) + 1 - 0.3 * (first - 0.4) + 0.2 * np.log(cost))
    values = np.column_stack([first, truth + 0.005 * rng.standard_normal(60)])
    values[40:, 1] = NAN
    found = reach(values, cost[:, None], {}, share=True)
    assert np.abs(found.value[40:] - truth[40:]).max() < 0.02
    assert np.median(found.doubt[40:]) < 0.05


def test_the_doubt_covers_what_comes_about_as_often_as_it_should():
    rng, inside = np.random.default_rng(1), []
    for _ in range(60):
        first = rng.uniform(0.4, 0.7, 40)
        values = np.column_stack([first, first + 0.2 + 0.03 * rng.standard_normal(40)])
        truth = values[20:, 1].copy()
        values[20:, 1] = NAN
        found = reach(values, np.ones((40, 1)), {}, share=True)
        inside += list(np.abs(found.value[20:] - truth) <= found.doubt[20:])
    assert np.mean(inside) == pytest.approx(0.68, abs=0.1)


def test_no_share_is_expected_beyond_the_whole_and_other_values_rise_as_they_are():
    shares = np.column_stack([[0.5, 0.9, 0.97, 1.0, 0.0], [0.9, 0.99, NAN, NAN, NAN]])
    found = reach(shares, np.ones((5, 1)), {}, share=True)
    assert ((found.value >= 0) & (found.value <= 1)).all()
    assert found.value[2] > 0.99
    losses = np.column_stack([[2.5, 2.0, 1.5], [1.5, 1.0, NAN]])
    assert reach(losses, np.ones((3, 1)), {}, share=False).value == pytest.approx([1.5, 1.0, 0.5])
    small = losses / 10
    assert reach(small, np.ones((3, 1)), {}, share=False).value == pytest.approx([0.15, 0.1, 0.05])


def test_shares_near_none_and_near_all_keep_what_tells_them_apart():
    values = np.array([[0.0002, NAN], [0.0004, NAN], [0.9999, NAN], [1.0, NAN], [0.5, 0.9]])
    found = reach(values, np.ones((5, 1)), {}, share=True).value
    assert found[0] < found[1]
    assert found[2] < found[3] <= 1
    alone = reach(values[:4], np.ones((4, 1)), {}, share=True).value
    assert alone == pytest.approx(values[:4, 0], rel=1e-9), "without a rise they are as they were measured"


def test_trainings_from_other_seeds_take_the_place_of_the_first_and_settle_doubt():
    again = {1: [0.7, 0.72], 2: [0.8]}
    found = reach(np.array([[0.5], [0.9], [0.8]]), np.ones((3, 1)), again, share=True)
    assert found.value == pytest.approx([0.5, 0.71, 0.8])
    assert found.doubt[0] > found.doubt[2] > found.doubt[1], "the first from another seed takes the place of the own"


def test_a_weak_network_is_never_expected_to_overtake_a_strong_one_alike():
    rng = np.random.default_rng(2)
    first = np.r_[rng.uniform(0.78, 0.8, 12), 0.2]
    values = np.column_stack([first, np.r_[np.full(12, 0.9), NAN]])
    found = reach(values, np.ones((13, 1)), {}, share=True)
    assert found.value[-1] < 0.75
