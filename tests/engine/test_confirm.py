"""After the budget: the front is trained again, through whatever executor, and drawn anew; nothing of it is lost."""

import json

import pytest
from run_fixtures import empty_run, trial
from small_searches import Stopped, search

import nas
from nas.engine.confirm import contenders, missing
from nas.engine.watcher import Watcher
from nas.evaluation.job import Outcome
from nas.record.journal import CONFIRMATIONS
from nas.record.run import Run
from nas.record.trial import Confirmation


def values(run, *points):
    """Complete trials with these accuracies and latencies."""
    for number, (accuracy, latency) in enumerate(points):
        run.append(trial(run, number, metrics={"accuracy": accuracy, "latency": latency}))
    return run


def test_contenders_are_the_front_and_its_nearest_rivals(tmp_path):
    run = values(empty_run(tmp_path / "run"), (0.9, 2.0), (0.5, 1.0), (0.89, 2.1), *[(0.1, 9.0 + i) for i in range(37)])
    assert [t.number for t in contenders(run)] == [0, 1, 2], "a tenth of forty, at most"


def test_a_trial_that_falls_lets_the_next_one_in(tmp_path):
    run = values(empty_run(tmp_path / "run", confirm=1), (0.9, 2.0), (0.8, 2.0))
    assert missing(run)[0][0].number == 0
    run.append_confirmation(Confirmation(0, 1, Outcome("complete", {"accuracy": 0.7, "latency": 2.0})))
    assert [(t.number, repeat) for t, repeat in missing(run)] == [(1, 1)]
    run.append_confirmation(Confirmation(1, 1, Outcome("complete", {"accuracy": 0.78, "latency": 2.0})))
    assert missing(run) == []
    assert [t.number for t in run.front()] == [1]


def test_a_search_ends_with_a_confirmed_front(space):
    run = search(space, "confirmed", budget=6, confirm=2)
    assert len(run.spent) == 6, "further trainings cost no budget"
    for found in run.front():
        again = [c for c in run.confirmations if c.trial == found.number]
        assert [c.repeat for c in again] == [1, 2]
        assert found.metrics["accuracy"] == pytest.approx(sum(c.outcome.metrics["accuracy"] for c in again) / 2)
        assert len({c.outcome.metrics["accuracy"] for c in again} | {found.trial.metrics["accuracy"]}) > 1
    frame = run.to_frame().set_index("number")
    assert set(frame.columns) >= {"trainings", "accuracy_first", "accuracy_interval"}
    assert "95 % interval" in (run.folder / "report.html").read_text()
    assert Run(run.folder).front() == run.front()


def test_none_is_trained_again_where_it_is_turned_off_or_nothing_was_trained(space):
    assert search(space, "off", budget=3, confirm=0).confirmations == []
    assert search(space, "sizes", budget=3, objectives=("macs", "params")).confirmations == []


def test_an_interrupted_confirmation_goes_on(space):
    whole = search(space, "whole", budget=6)

    def confirmed(_confirmation, run):
        if len(run.confirmations) == 2:
            raise Stopped

    with pytest.raises(Stopped):
        search(space, "cut", budget=6, watcher=Watcher(confirmed=confirmed))
    cut = space.parent / "runs" / "cut"
    with (cut / CONFIRMATIONS).open("a") as file:
        file.write('{"trial": 3, "rep')  # torn by a kill
    resumed = nas.resume(cut)
    told = [[(c.trial, c.repeat, c.outcome.metrics) for c in run.confirmations] for run in (whole, resumed)]
    assert told[0] == told[1]
    assert [json.loads(line)["trial"] for line in (cut / CONFIRMATIONS).read_text().splitlines()]


def test_a_larger_budget_keeps_what_was_confirmed(space):
    run = search(space, "longer", budget=4)
    before = list(run.confirmations)
    longer = nas.resume(run.folder, budget=8)
    assert longer.confirmations[: len(before)] == before
    assert len(longer.spent) == 8
    assert missing(longer) == []
