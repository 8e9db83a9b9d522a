"""Means and intervals of repeated trainings."""

import numpy as np
import pytest
from run_fixtures import finished_run, trial
from scipy.special import logit

from nas.evaluation.job import Outcome, State
from nas.record.results import flattery, results
from nas.record.trial import Further
from nas.report.page import write_report


def again(trial: int, repeat: int, accuracy: float, latency: float = 1.0, state: State = "complete") -> Further:
    return Further(trial, repeat, Outcome(state, {"accuracy": accuracy, "latency": latency}))


def test_a_result_is_the_mean_of_its_further_trainings_alone(tmp_path):
    trials = finished_run(tmp_path / "run", complete=3, failed=0, rejected=0).trials
    own = trials[1].metrics["latency"]
    found = results(trials, [again(1, 1, 0.5, own + 2), again(1, 2, 0.7, own + 1)], ["accuracy"], ["latency"], 1)
    assert found[1].metrics["accuracy"] == pytest.approx(0.6)
    assert found[1].metrics["latency"] == pytest.approx(own + 1), "the median of three readings"
    assert (found[1].repeats, found[1].trainings) == (2, 2)
    assert (found[0].repeats, found[0].trainings) == (0, 1)
    assert found[1].trial == trials[1], "a view: the first training stays what it was"
    for kept in (0, 2):
        assert (found[kept].trial, found[kept].metrics) == (trials[kept], trials[kept].metrics)
    assert flattery(found, "accuracy") == pytest.approx(trials[1].metrics["accuracy"] - 0.6)


def test_what_lies_above_a_line_that_was_taken_out_waits_for_it(tmp_path):
    run = finished_run(tmp_path / "run", complete=6, rungs=(1, 3, 9))
    up = [Further(n, 0, Outcome("complete", trial(run, n).metrics), 90.0 + n, rung) for n in (0, 1) for rung in (1, 2)]
    for one in (up[0], up[1], up[3]):  # of trial 1 that on rung 1 is not there
        run.append_further(one)
    assert [result.rung for result in run.results[:3]] == [2, 0, 0]
    assert all(np.isfinite(list(result.metrics.values())).all() for result in run.results)
    write_report(run)
    run.append_further(up[2])
    assert [result.rung for result in run.results[:3]] == [2, 2, 0]


def test_the_interval_covers_the_truth_as_often_as_it_says(tmp_path):
    trials, rng = finished_run(tmp_path / "run", complete=5).trials, np.random.default_rng(0)
    covered = []
    for _ in range(400):
        noisy = [again(n, r, 0.5 + 0.02 * rng.standard_normal()) for n in range(5) for r in (1, 2)]
        found = results(trials, noisy, ["accuracy"], ["latency"], 1)
        covered += [abs(one.metrics["accuracy"] - 0.5) <= one.intervals["accuracy"] for one in found]
    assert np.mean(covered) == pytest.approx(0.95, abs=0.02)


def test_one_further_training_has_no_interval(tmp_path):
    trials = finished_run(tmp_path / "run", complete=2).trials
    found = results(trials, [again(0, 1, 0.5)], ["accuracy"], ["latency"], 1)
    assert "accuracy" not in found[0].intervals
    assert found[0].metrics["accuracy"] == 0.5


def test_an_interval_that_holds_every_share_is_none(tmp_path):
    trials = finished_run(tmp_path / "run", complete=3).trials
    wild = [again(number, r, (0.1, 0.9)[r - 1]) for number in range(3) for r in (1, 2)]
    assert "accuracy" not in results(trials, wild, ["accuracy"], ["latency"], 1)[0].intervals


def test_a_training_that_failed_counts_for_nothing(tmp_path):
    trials = finished_run(tmp_path / "run", complete=2).trials
    failed = Further(0, 2, Outcome("failed", reason="OOM"))
    found = results(trials, [again(0, 1, 0.5), failed], ["accuracy"], ["latency"], 1)
    assert found[0].metrics["accuracy"] == 0.5


def test_a_trial_that_did_not_end_well_has_no_result(tmp_path):
    trials = finished_run(tmp_path / "run", complete=2, failed=1, rejected=1).trials
    assert [one.number for one in results(trials, [], ["accuracy"], ["latency"], 1)] == [0, 1]


def test_a_trial_that_went_on_has_the_value_of_its_highest_rung_and_others_the_one_expected_there(tmp_path):
    trials = finished_run(tmp_path / "run", complete=4, failed=0, rejected=0).trials
    went_on = Further(1, 0, Outcome("complete", {"accuracy": 0.9, "latency": 1.0}), rung=1)
    found = results(trials, [went_on], ["accuracy"], ["latency"], 2)
    assert [one.rung for one in found] == [0, 1, 0, 0]
    assert found[1].metrics["accuracy"] == found[1].first["accuracy"] == 0.9
    rise = logit(0.9) - logit(trials[1].metrics["accuracy"])
    for i in (0, 2, 3):
        assert logit(found[i].metrics["accuracy"]) == pytest.approx(logit(trials[i].metrics["accuracy"]) + rise)
        assert found[i].first["accuracy"] == trials[i].metrics["accuracy"]
        assert found[i].doubts["accuracy"] > 0


def test_a_trial_that_failed_when_it_went_on_is_no_result(tmp_path):
    trials = finished_run(tmp_path / "run", complete=3, failed=0, rejected=0).trials
    failed = Further(1, 0, Outcome("failed", reason="the loss became nan"), rung=1)
    assert [one.number for one in results(trials, [failed], ["accuracy"], ["latency"], 2)] == [0, 2]
