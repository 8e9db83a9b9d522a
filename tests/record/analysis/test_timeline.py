"""How a search spent its time."""

from dataclasses import replace
from pathlib import Path

import pytest
from run_fixtures import empty_run, finished_run, trial

from nas.evaluation.job import Outcome
from nas.record.analysis.timeline import joined, spent, stints
from nas.record.environment import note_start
from nas.record.run import Run
from nas.record.trial import Further


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Two trainings side by side, one that failed after a pause, one on to a higher rung and one from another seed."""
    run = empty_run(tmp_path / "run", rungs=(1, 3))
    spans = [(1.0, 5.0, "complete"), (2.0, 3.0, "complete"), (3.5, 4.5, "complete"), (8.0, 9.0, "failed")]
    for number, (start, end, state) in enumerate(spans):
        seconds = {"build": 0.25, "train": end - start - 0.25}
        run.append(replace(trial(run, number, state, seconds=seconds), ended=end))
    values = run.trials[0].metrics
    run.append_further(Further(0, 0, Outcome("complete", values, seconds={"train": 4.0}), ended=13.0, rung=1))
    run.append_further(Further(0, 1, Outcome("complete", values, seconds={"train": 6.0}), ended=20.0, rung=1))
    return run


def test_trainings_lie_in_as_few_lanes_as_they_take_side_by_side(run: Run) -> None:
    found = [(s.trial, s.cause, s.start, s.end, s.lane) for s in stints(run)]
    assert found == [
        (0, "new", 1.0, 5.0, 0),
        (1, "new", 2.0, 3.0, 1),
        (2, "new", 3.5, 4.5, 1),
        (3, "ended early", 8.0, 9.0, 0),  # the lane that was free last
        (0, "on", 9.0, 13.0, 0),
        (0, "again", 14.0, 20.0, 0),
    ]


def test_what_follows_closely_for_one_purpose_is_joined(run: Run) -> None:
    found = [(s.trial, s.start, s.end, s.lane, s.count) for s in joined(stints(run), 0.5)]
    assert found == [
        (0, 1.0, 5.0, 0, 1),
        (1, 2.0, 4.5, 1, 2),  # half a second apart
        (3, 8.0, 9.0, 0, 1),
        (0, 9.0, 13.0, 0, 1),
        (0, 14.0, 20.0, 0, 1),
    ]


def test_the_time_of_all_workers_is_shared_out(run: Run) -> None:
    shares = {one.what: (one.seconds, one.share) for one in spent(run, stints(run))}
    assert shares == {
        "training": pytest.approx((6.0, 6 / 40)),
        "building networks": pytest.approx((1.0, 1 / 40)),
        "training on, to a higher rung": pytest.approx((4.0, 4 / 40)),
        "training again, from other seeds": pytest.approx((6.0, 6 / 40)),
        "waiting for the first training": pytest.approx((3.0, 3 / 40)),
        "waiting between trainings": pytest.approx((4.5, 4.5 / 40)),
        "waiting after the last training": pytest.approx((15.5, 15.5 / 40)),
    }


def test_workers_that_another_start_had_do_not_wait(tmp_path: Path) -> None:
    run = empty_run(tmp_path / "run")
    for number, (start, end) in enumerate([(1.0, 9.0), (1.0, 10.0), (12.0, 50.0), (50.0, 90.0)]):
        run.append(replace(trial(run, number, seconds={"train": end - start}), ended=end))
        if number == 1:
            note_start(run.folder, {"elapsed": run.elapsed})  # with one worker in place of two
    waited = {one.what: one.seconds for one in spent(run, stints(run)) if "waiting" in one.what}
    assert waited == {
        "waiting for the first training": pytest.approx(1.0 + 1.0 + 2.0),
        "waiting between trainings": pytest.approx(0.0),
        "waiting after the last training": pytest.approx(1.0),
    }


def test_a_record_without_ends_has_sums_but_no_lanes(tmp_path: Path) -> None:
    run = finished_run(tmp_path / "run")
    assert stints(run) == []
    assert not any("waiting" in one.what for one in spent(run, []))
    assert sum(one.share for one in spent(run, [])) == pytest.approx(1)
