"""The trials that failed."""

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path

from run_fixtures import empty_run, finished_run, trial

from nas.evaluation.job import Outcome, State
from nas.record.analysis.failures import Tally, culprits, failed_trials, reasons, tally
from nas.record.run import Run
from nas.record.trial import Further, Trial


def with_blocks(run: Run, number: int, state: State, fits: Callable[[set[str]], bool]) -> Trial:
    """A trial whose blocks fit."""
    drawn = (trial(run, seed, state) for seed in count(1000 * number))
    found = next(one for one in drawn if fits({stage.block for stage in one.architecture.stages}))
    return replace(found, number=number)


def test_reasons_that_differ_in_numbers_alone_are_one(tmp_path: Path) -> None:
    run = empty_run(tmp_path / "run")
    said = ["the loss became nan in epoch 2", "out of memory: 3 GiB", "the loss became nan in epoch 11"]
    for number, reason in enumerate(said):
        run.append(trial(run, number, "failed", reason=reason))
    run.append(trial(run, 3))
    run.append_further(Further(3, 0, Outcome("failed", reason="out of memory: 7.5 GiB"), rung=1))
    run.append_further(Further(3, 0, Outcome("failed", reason="the loss became nan in epoch 3"), rung=1))
    found = [(reason.words, reason.trials, reason.first) for reason in reasons(failed_trials(run))]
    assert found == [(said[0], (0, 2, 3), 0), (said[1], (1,), 1)]


def test_a_block_that_fails_more_often_than_chance_allows_is_named(tmp_path: Path) -> None:
    run = empty_run(tmp_path / "run")
    for number in range(24):
        run.append(with_blocks(run, number, "complete", lambda blocks: "moat" not in blocks))
    for number in range(24, 30):
        run.append(with_blocks(run, number, "failed", lambda blocks: "moat" in blocks))
    (found,) = culprits(run, failed_trials(run))
    assert (found.block, found.failed, found.failures, found.complete, found.others) == ("moat", 6, 6, 0, 24)


def test_failures_by_chance_have_no_culprit(tmp_path: Path) -> None:
    run = finished_run(tmp_path / "run", complete=40, failed=8)
    assert culprits(run, failed_trials(run)) == []


def test_two_failures_tell_nothing(tmp_path: Path) -> None:
    run = finished_run(tmp_path / "run", complete=40, failed=2)
    assert culprits(run, failed_trials(run)) == []


def test_a_network_that_failed_when_it_went_on_is_counted_as_failed(tmp_path: Path) -> None:
    run = finished_run(tmp_path / "run", complete=3, failed=1, rejected=2)
    assert tally(run) == Tally(trained=3, failed=1, rejected=2)
    run.append_further(Further(0, 0, Outcome("failed", reason="out of memory"), rung=1))
    run.append_further(Further(1, 1, Outcome("failed", reason="from another seed")))  # which leaves its own
    assert tally(run) == Tally(trained=2, failed=2, rejected=2)
    assert tally(run).begun == len(run.spent)
