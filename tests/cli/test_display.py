"""What a person sees of a search with many workers."""

import io
import time
from pathlib import Path

import pytest
import typer
from run_fixtures import empty_run, trial

from nas.cli.display import Display, watch
from nas.cli.picture import RUNNING
from nas.cli.terminal import Terminal
from nas.config import Budget
from nas.engine.executors import Placement
from nas.engine.watcher import Watcher
from nas.evaluation.job import Job
from nas.record.run import Run
from nas.record.trial import Further


def screen(display: Display) -> str:
    """The picture as it stands, without colours."""
    console = Terminal(file=io.StringIO(), width=120)
    console.print(display.live.get_renderable())
    return console.file.getvalue()  # type: ignore[attr-defined]


@pytest.fixture
def display() -> Display:
    return Display(Terminal(file=io.StringIO(), force_terminal=True, width=120))


def test_every_running_trial_has_a_line_until_they_are_too_many(tmp_path: Path, display: Display) -> None:
    run = empty_run(tmp_path / "a")
    trials = [trial(run, number) for number in range(RUNNING + 2)]
    for each in trials:
        display.began(Job(each.number, each.architecture, 0), run)
    shown = screen(display)
    assert all(f"trial {number} " in shown for number in range(RUNNING))
    assert shown.count("training") == RUNNING
    assert "and 2 more" in shown
    assert f"trial {RUNNING} " not in shown
    for each in trials[:3]:
        run.append(each)
        display.ended(each, run)
    shown = screen(display)
    assert "more" not in shown
    assert "trial 2 " not in shown
    assert f"trial {RUNNING + 1} " in shown
    assert "3 trained" in shown


def test_on_a_pipe_a_line_counts_what_was_rejected_before(tmp_path: Path) -> None:
    run, console = empty_run(tmp_path / "a"), Terminal(file=io.StringIO(), width=120)
    display = Display(console)
    for number, state in enumerate(("complete", "rejected", "rejected", "failed", "complete")):
        run.append(trial(run, number, state))  # type: ignore[arg-type]
        display.ended(run.trials[-1], run)
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert ["after 2 rejected" in line for line in lines] == [False, True, False]


@pytest.mark.parametrize(
    ("placement", "workers", "says"),
    [
        (Placement(1), "auto", ""),
        (Placement(2), "auto", "2 workers on this machine (chosen; --workers 1 repeats a search exactly)\n"),
        (Placement(4), 4, "4 workers on this machine\n"),
        (Placement(8, gpus=0.25), 8, "8 workers on this machine, 0.25 of a GPU each\n"),
        (
            Placement(None, gpus=1.0, gpu_share=lambda: 0.5),
            "auto",
            "as many workers as fit on this machine, a measured part of a GPU each "
            "(chosen; --workers 1 repeats a search exactly)\n",
        ),
        (
            Placement(2, "auto", gpus=1.0, gpu_optional=True),
            2,
            "2 workers on the Ray cluster auto, 1 of a GPU each if there is one\n",
        ),
        (Placement(None, "auto"), 5, "as many workers as fit on the Ray cluster auto\n"),
    ],
)
def test_the_number_of_workers_is_said(
    tmp_path: Path, display: Display, placement: Placement, workers: int | str, says: str
) -> None:
    display.placed(placement, empty_run(tmp_path / "a", workers=workers))
    assert display.console.file.getvalue() == says  # type: ignore[attr-defined]


def test_copies_in_the_data_are_warned_of_before_the_search(tmp_path: Path, display: Display) -> None:
    run = empty_run(tmp_path / "a")
    parts = {"train": 36, "validation": 24, "test": 0}
    run.seal["data"] = {"parts": parts, "classes": [], "counts": None, "copies": {"validation": 15, "test": 0}}
    display.placed(Placement(1), run)
    said = display.console.file.getvalue()  # type: ignore[attr-defined]
    assert "15 of 24 validation images are also among the training images" in " ".join(said.split())


def test_on_a_pipe_the_beginning_and_the_end_of_measuring_are_each_said_once() -> None:
    display = Display(Terminal(file=io.StringIO(), width=120))
    for done in (0, 10, 40, 40):
        display.timed(done, 40)
    lines = display.console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert [line.partition(": ")[2] for line in lines] == ["network 0 of 40", "network 40 of 40"]


def test_a_log_says_once_why_trials_are_trained_again(tmp_path: Path) -> None:
    run, shown = empty_run(tmp_path / "a"), Display(Terminal(file=io.StringIO()))
    one = trial(run, 0)
    run.append(one)
    for repeat in (1, 2):
        further = Further(0, repeat, one.outcome)
        run.append_further(further)
        shown.trained_further(further, run)
    lines = shown.console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    why, *again = (line for line in lines if line.startswith("[confirm]"))
    assert why == "[confirm] the front and its nearest rivals are trained again, from other seeds"
    assert len(again) == 2
    assert all(line.startswith("[confirm] trial 0 trained again: ") for line in again)


def test_a_training_again_while_the_search_goes_on_is_not_taken_for_its_end(tmp_path: Path, display: Display) -> None:
    run, log = empty_run(tmp_path / "a", rungs=(1, 2), budget=Budget(trials=2)), Terminal(file=io.StringIO())
    shown = [display, Display(log)]
    again = [Job(0, trial(run, 0).architecture, 0, purpose="confirm", repeat=repeat, rung=1) for repeat in (1, 2)]
    for number, job in enumerate(again):
        run.append(trial(run, number))
        for each in shown:
            each.ended(run.trials[-1], run)
            each.began(job, run)
        run.append_further(Further(0, job.repeat, run.trials[0].outcome, rung=1))
        assert ("confirm" in screen(display)) == bool(number)
        for each in shown:
            each.trained_further(run.further[-1], run)
    lines = [line.partition("trial")[0] for line in log.file.getvalue().splitlines()]  # type: ignore[attr-defined]
    assert lines[:3] == ["[1/2] ", "[confirm] ", "[2/2] "]
    assert lines[3].startswith("[confirm] the front and its nearest rivals")


def test_the_time_left_is_told_once_a_training_again_has_ended(tmp_path: Path, display: Display) -> None:
    run = empty_run(tmp_path / "a", budget=Budget(trials=1), confirm=9)
    run.append(one := trial(run, 0))
    display.began(Job(0, one.architecture, 0, purpose="confirm", repeat=1), run)
    assert " left" not in screen(display), "nothing is known yet"
    time.sleep(0.2)
    run.append_further(Further(0, 1, one.outcome))
    display.trained_further(run.further[-1], run)
    assert " left" in screen(display)
    assert "0.0 s left" not in screen(display)


def test_a_search_stopped_before_its_first_trial_says_how_to_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = empty_run(tmp_path / "a")

    def begin(watcher: Watcher) -> Run:
        watcher.placed(Placement(1), run)
        raise KeyboardInterrupt

    with pytest.raises(typer.Exit):
        watch(begin)
    assert f"Go on with: nas resume {run.folder}" in capsys.readouterr().out
