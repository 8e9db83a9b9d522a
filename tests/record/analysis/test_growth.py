"""How fronts grow, within their own frame or one for several runs."""

from dataclasses import replace

import numpy as np
import pytest
from run_fixtures import empty_run, finished_run, trial

from nas import pareto
from nas.evaluation.job import Outcome
from nas.record.analysis.growth import Frame, growth, losses_of, trainings_of
from nas.record.trial import Further


@pytest.mark.parametrize("objectives", [("accuracy", "latency"), ("accuracy", "latency", "params")])
def test_the_curve_ends_at_the_whole_run_and_never_falls(tmp_path, objectives):
    run = finished_run(tmp_path / "run", complete=30, failed=3, objectives=objectives)
    grown = growth(run)
    assert (grown.trainings[0], grown.trainings[-1]) == (0, 33)
    assert grown.shares == sorted(grown.shares)
    costs = run.points(run.results) * np.where(run.maximize, -1, 1)
    scaled = (costs - costs.min(0)) / np.ptp(costs, 0)
    count = len(objectives)
    whole = pareto.hypervolume(scaled, [1.1] * count, [False] * count) / 1.1**count
    assert grown.shares[-1] == pytest.approx(whole)


def test_the_curve_is_thinned_without_losing_its_end(tmp_path):
    run = finished_run(tmp_path / "run", complete=50)
    whole, few = growth(run), growth(run, most=7)
    assert len(few.trainings) == 8
    assert set(zip(few.trainings, few.shares, strict=True)) <= set(zip(whole.trainings, whole.shares, strict=True))


def test_one_box_holds_several_runs(tmp_path):
    one, other = finished_run(tmp_path / "one", complete=4), finished_run(tmp_path / "other", complete=20)
    frame = Frame.of(np.concatenate([losses_of(one), losses_of(other)]))
    assert growth(one, frame).shares[-1] <= growth(other, frame).shares[-1]
    assert growth(other, frame).shares == pytest.approx(growth(other).shares), "the larger run has all of the smaller"
    assert growth(one, frame).shares[-1] != pytest.approx(growth(one).shares[-1])


def test_the_first_trainings_alone(tmp_path):
    run = finished_run(tmp_path / "run", complete=10, failed=2)
    assert losses_of(run, 4) == pytest.approx(losses_of(run)[:4])
    assert len(losses_of(run, 11)) == 10


def test_a_run_without_a_result_has_not_grown(tmp_path):
    assert growth(empty_run(tmp_path / "empty")).shares == []


def test_of_a_ladder_the_last_rung_counts_from_when_it_was_reached(tmp_path):
    run = empty_run(tmp_path / "run", rungs=(1, 3))
    for number in range(3):
        run.append(replace(trial(run, number), ended=float(number + 1)))
    run.append_further(Further(0, 0, Outcome("complete", run.trials[0].metrics | {"accuracy": 0.9}), 3.5, rung=1))
    run.append_further(Further(1, 0, Outcome("failed", reason="the loss became nan"), 3.7, rung=1))
    assert trainings_of(run) == 5
    assert [len(losses_of(run, trainings)) for trainings in (None, 3, 4)] == [1, 0, 1]
    grown = growth(run)
    assert grown.trainings == [0, 1, 2, 3, 4, 5]
    assert grown.seconds == [0, 1, 2, 3, 3.5, 3.7]
    assert [share > 0 for share in grown.shares] == [False] * 4 + [True] * 2
