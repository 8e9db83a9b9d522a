"""The same networks measured twice."""

import json
from pathlib import Path

import pytest
from run_fixtures import finished_run, trial
from scipy.stats import kendalltau

from nas.evaluation.job import Outcome
from nas.record.analysis.repeats import between_rungs, between_seeds, first_and_further, predicted_and_measured
from nas.record.run import Run
from nas.record.trial import Further


def again(run: Run, number: int, accuracy: float, **where: int) -> None:
    """Train a trial further."""
    values = run.trials[number].metrics | {"accuracy": accuracy}
    run.append_further(Further(number, where.get("repeat", 0), Outcome("complete", values), rung=where.get("rung", 0)))


def test_rungs_are_compared_by_the_trials_that_were_on_both(tmp_path: Path) -> None:
    run = finished_run(tmp_path / "run", rungs=(1, 3, 9))
    for number in range(9):
        again(run, number, 0.5 + number / 100, rung=1)
    again(run, 2, 0.9, rung=2)
    first, second = between_rungs(run)
    assert (first.before, first.after, first.trials) == ("1 epoch", "3 epochs", tuple(range(9)))
    assert first.first == tuple(run.trials[number].metrics["accuracy"] for number in range(9))
    assert first.agreement
    assert first.agreement.tau == pytest.approx(kendalltau(first.first, first.second).statistic)
    assert first.agreement.low <= first.agreement.tau <= first.agreement.high
    assert (second.trials, second.first, second.second) == ((2,), (0.52,), (0.9,))
    assert second.agreement is None  # of one network


def test_seeds_are_compared_without_the_training_that_a_network_was_chosen_for(tmp_path: Path) -> None:
    run = finished_run(tmp_path / "run")
    again(run, 4, 0.8, repeat=2)
    again(run, 4, 0.7, repeat=1)
    again(run, 5, 0.6, repeat=1)
    seeds, own = between_seeds(run), first_and_further(run)
    assert seeds
    assert (seeds.trials, seeds.first, seeds.second) == ((4,), (0.7,), (0.8,))
    assert own
    assert (own.trials, own.second) == ((4, 5), (pytest.approx(0.75), 0.6))
    assert own.first == tuple(run.trials[number].metrics["accuracy"] for number in (4, 5))


def test_nothing_was_measured_twice(tmp_path: Path) -> None:
    run = finished_run(tmp_path / "run")
    assert between_rungs(run) == []
    assert [found(run) for found in (between_seeds, first_and_further, predicted_and_measured)] == [None] * 3


def test_a_latency_that_was_measured_all_along_was_not_predicted(tmp_path: Path) -> None:
    run = finished_run(tmp_path / "run", complete=3)
    run.append(trial(run, 20, readings={"latency": {"source": "predicted"}}))
    (run.folder / "front_latency.json").write_text(
        json.dumps({one.key: {"value": 2.5} for one in (run.trials[0], run.trials[-1])})
    )
    found = predicted_and_measured(run)
    assert found
    assert (found.trials, found.first, found.second) == ((20,), (run.trials[-1].metrics["latency"],), (2.5,))
