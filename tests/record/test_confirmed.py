"""Means and intervals of repeated trainings."""

import numpy as np
import pytest
from nas.record.confirmed import confirmed, flattery, interval
from run_fixtures import finished_run

from nas.record.trial import Confirmation


def again(trial: int, repeat: int, accuracy: float, latency: float = 1.0, state: str = "complete") -> Confirmation:
    return Confirmation(trial, repeat, state, {"accuracy": accuracy, "latency": latency})  # type: ignore[arg-type]


def test_a_trial_stands_for_the_mean_of_its_further_trainings_alone(tmp_path):
    trials = finished_run(tmp_path / "run", complete=3).results
    own = trials[1].metrics["latency"]
    found = confirmed(trials, [again(1, 1, 0.5, own + 2), again(1, 2, 0.7, own + 1)], ["accuracy"])
    assert found[1].metrics["accuracy"] == pytest.approx(0.6)
    assert found[1].metrics["latency"] == pytest.approx(own + 1), "the median of three readings"
    assert found[1].details["confirmed"]["trainings"] == 2
    assert found[1].details["confirmed"]["first"] == {"accuracy": trials[1].metrics["accuracy"]}
    assert (found[0], found[2]) == (trials[0], trials[2])
    assert flattery(found, "accuracy") == pytest.approx(trials[1].metrics["accuracy"] - 0.6)


def test_the_interval_covers_the_truth_as_often_as_it_says(tmp_path):
    trials, rng = finished_run(tmp_path / "run", complete=5).results, np.random.default_rng(0)
    covered = []
    for _ in range(400):
        noisy = [again(t.number, r, 0.5 + 0.02 * rng.standard_normal()) for t in trials for r in (1, 2)]
        found = confirmed(trials, noisy, ["accuracy"])
        covered += [abs(t.metrics["accuracy"] - 0.5) <= interval(t, "accuracy") for t in found]
    assert np.mean(covered) == pytest.approx(0.95, abs=0.02)


def test_one_further_training_has_no_interval(tmp_path):
    trials = finished_run(tmp_path / "run", complete=2).results
    found = confirmed(trials, [again(0, 1, 0.5)], ["accuracy"])
    assert interval(found[0], "accuracy") is None
    assert found[0].metrics["accuracy"] == 0.5


def test_a_training_that_failed_counts_for_nothing(tmp_path):
    trials = finished_run(tmp_path / "run", complete=2).results
    found = confirmed(trials, [again(0, 1, 0.5), Confirmation(0, 2, "failed", reason="OOM")], ["accuracy"])
    assert found[0].metrics["accuracy"] == 0.5
