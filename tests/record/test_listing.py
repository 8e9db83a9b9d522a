"""What a list says of runs and trainings, whatever became of them."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from run_fixtures import empty_run, finished_run, trial
from trained_fixtures import begun, ended, history

from nas.errors import SettingError
from nas.evaluation.job import Outcome
from nas.record.environment import note_finished, note_start
from nas.record.folders import is_locked, locked
from nas.record.listing import Entry, entries, is_calibration
from nas.record.run import Run
from nas.record.trial import Further


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAS_CACHE", str(tmp_path / "cache"))


def the(folder: Path) -> Entry:
    (entry,) = entries(folder.parent)
    return entry


def further(run: Run, number: int, repeat: int, accuracy: float, rung: int = 0) -> None:
    metrics = run.trials[number].metrics | {"accuracy": accuracy}
    run.append_further(Further(number, repeat, Outcome("complete", metrics), 90.0, rung))


def test_a_search_is_stopped_until_its_end_is_noted(tmp_path: Path) -> None:
    run = finished_run(tmp_path / "runs" / "a", complete=8, failed=1, rejected=3, budget={"trials": 9})
    entry = the(run.folder)
    assert (entry.summary.kind, entry.summary.done, entry.summary.of) == ("search", 9, 9)
    assert entry.state == "finished"  # an earlier version did not note it
    note_start(run.folder, {"finished": None})
    assert the(run.folder).state == "stopped"
    note_finished(run.folder)
    assert the(run.folder).state == "finished"
    with locked(run.folder):
        assert the(run.folder).state == "running"
    assert not is_locked(run.folder)


def test_a_search_of_half_its_budget_is_stopped(tmp_path: Path) -> None:
    assert the(finished_run(tmp_path / "runs" / "a", budget={"trials": 50}).folder).state == "stopped"


@pytest.mark.parametrize(
    ("was", "now"),
    [
        (r"budget: .*", "budget: 20"),
        (r"budget: .*", "budget: {trials: 20}"),
        (r"objectives: .*", "objectives: accuracy, latency"),
    ],
)
def test_settings_as_people_write_them_are_read(tmp_path: Path, was: str, now: str) -> None:
    run = finished_run(tmp_path / "runs" / "a", complete=8, failed=1, budget={"trials": 9})
    path = run.folder / "config.yaml"
    text, count = re.subn(was, now, path.read_text())
    assert count == 1
    path.write_text(text)
    entry, again = the(run.folder), Run(run.folder)
    assert entry.summary.of == again.config.budget.trials == (20 if "20" in now else 9)
    assert entry.summary.objective == again.config.objectives[0] == "accuracy"


def test_the_best_value_is_that_of_the_report(tmp_path: Path) -> None:
    run = finished_run(tmp_path / "runs" / "a")
    for number in range(6):
        further(run, number, 1, 0.6 + 0.01 * number)
        further(run, number, 2, 0.8)
    best = max(result.metrics["accuracy"] for result in run.results)
    assert the(run.folder).summary.best == pytest.approx(best)
    ladder = finished_run(tmp_path / "runs2" / "b", rungs=(1, 3))
    further(ladder, 2, 0, 0.991, rung=1)
    assert the(ladder.folder).summary.best == 0.991
    ladder.append_further(Further(2, 0, Outcome("failed", reason="diverged"), rung=2))
    assert the(ladder.folder).summary.best == max(result.metrics["accuracy"] for result in ladder.results)


def test_a_measured_best_value_is_that_of_the_report_too(tmp_path: Path) -> None:
    run = finished_run(tmp_path / "runs" / "a", objectives=("latency", "accuracy"))
    fastest = min(run.trials[:12], key=lambda one: one.metrics["latency"])
    for repeat, share in enumerate((0.5, 0.6), start=1):
        metrics = fastest.metrics | {"latency": share * fastest.metrics["latency"]}
        run.append_further(Further(fastest.number, repeat, Outcome("complete", metrics), 90.0))
    assert the(run.folder).summary.best == run.pick("latency").metrics["latency"]


def test_a_training_has_the_value_on_the_test_part_in_the_end(tmp_path: Path) -> None:
    trained = ended(tmp_path / "runs" / "a")
    entry = the(trained.folder)
    assert (entry.summary.kind, entry.state, entry.summary.done) == ("training", "finished", 6)
    assert trained.ending
    assert entry.summary.best == trained.ending.verdict.metrics["accuracy"].value
    open_end = begun(tmp_path / "runs2" / "b")
    open_end.keep_history(history(4))
    entry = the(open_end.folder)
    assert (entry.state, entry.summary.done) == ("stopped", 4)
    assert entry.summary.best == pytest.approx(max(epoch.metrics["accuracy"] for epoch in history(4)))


def test_a_calibration_ends_with_its_page(tmp_path: Path) -> None:
    own: dict[str, Any] = {"promotion": 1.0, "confirm": 1, "objectives": ("accuracy", "macs"), "budget": {"trials": 13}}
    run = finished_run(tmp_path / "runs" / "a", rungs=(1, 2), **own)
    assert (the(run.folder).summary.kind, the(run.folder).state) == ("calibration", "stopped")
    (run.folder / "calibration.html").write_text("")
    assert the(run.folder).state == "finished"
    assert the(finished_run(tmp_path / "runs2" / "b", **own).folder).summary.kind == "search"  # of one length


def damages() -> Iterator[tuple[str, str, str]]:
    yield "config.yaml", "", "holds no settings"
    yield "config.yaml", "{", "config.yaml"
    yield "environment.json", "x", "environment.json"
    yield "trials.jsonl", '{"a": 1}\n{"b": 2}\n', "trials.jsonl:1: not a trial"
    yield "trials.jsonl", "[" * 100_000 + "\n", "trials.jsonl:1: not a trial"
    yield "environment.json", "[" * 100_000, "damaged (RecursionError"
    yield "config.yaml", "objectives: 5", "damaged"


@pytest.mark.parametrize(("name", "text", "says"), list(damages()))
def test_what_is_damaged_is_an_entry_that_says_so(tmp_path: Path, name: str, text: str, says: str) -> None:
    run = finished_run(tmp_path / "runs" / "a", complete=3)
    (run.folder / name).write_text(text)
    entry = the(run.folder)
    assert entry.state == "damaged"
    assert says in entry.summary.reason


def test_a_run_that_lost_its_settings_is_damaged_and_other_folders_are_none(tmp_path: Path) -> None:
    run = empty_run(tmp_path / "runs" / "a")
    (run.folder / "config.yaml").unlink()
    (tmp_path / "runs" / "photos").mkdir()
    (tmp_path / "runs" / "notes.txt").write_text("")
    assert [(entry.folder.name, entry.state) for entry in entries(tmp_path / "runs")] == [("a", "damaged")]
    with pytest.raises(SettingError, match="no folder of runs here"):
        list(entries(tmp_path / "none"))


def test_what_was_read_is_kept_until_a_file_changes(tmp_path: Path) -> None:
    run = finished_run(tmp_path / "runs" / "a", complete=3, failed=0)
    assert the(run.folder).summary.done == 3
    (kept,) = (tmp_path / "cache" / "listing").iterdir()
    kept.write_text(kept.read_text().replace('"done": 3', '"done": 77'))
    assert the(run.folder).summary.done == 77  # of the cache
    run.append(trial(run, 20))
    assert the(run.folder).summary.done == 4


def test_objectives_of_a_plug_in_that_is_not_loaded_have_no_best(tmp_path: Path) -> None:
    run = finished_run(tmp_path / "runs" / "a", complete=3)
    config = run.folder / "config.yaml"
    config.write_text(config.read_text().replace("objectives: [accuracy", "objectives: [beauty"))
    record = run.folder / "trials.jsonl"
    record.write_text(record.read_text().replace('"accuracy"', '"beauty"'))
    entry = the(run.folder)
    assert (entry.state, entry.summary.best, entry.summary.done) == ("stopped", None, 4)
    assert json.dumps(entry.facts())


def test_a_search_is_no_calibration_whatever_it_is_to_confirm_later(tmp_path: Path) -> None:
    settings = {"objectives": ("accuracy", "macs"), "rungs": (1, 2), "promotion": 1.0}
    run = finished_run(tmp_path / "runs" / "a", confirm=2, **settings)
    run.go_by(run.config.model_copy(update={"confirm": 1}))
    assert not is_calibration(Run(run.folder))
    assert the(run.folder).summary.kind == "search"
    assert is_calibration(finished_run(tmp_path / "runs2" / "b", confirm=1, **settings))
