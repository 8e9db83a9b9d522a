"""nas runs: a table and JSON, the newest first, with what to type next."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from command import Command
from run_fixtures import finished_run
from trained_fixtures import begun

from nas.record.environment import note_finished, write_environment
from nas.record.folders import locked
from nas.report.page import write_report


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run of every state, the oldest first by name."""
    folder = tmp_path_factory.mktemp("many") / "runs"
    for i, name in enumerate(("a [b]", "b", "c")):
        run = finished_run(folder / name, complete=5, budget={"trials": 6 if i else 100})
        started = datetime.now(UTC) - timedelta(days=5 - i)
        write_environment(run.folder, {"started": started.isoformat()})
    begun(folder / "d")
    (folder / "c" / "trials.jsonl").write_text("{}\n{}\n")
    return folder


def test_the_newest_comes_first_with_state_and_best(nas: Command, runs: Path) -> None:
    with locked(runs / "b"):
        answer = nas("runs", runs)
    assert answer.status == 0
    rows = [line.split() for line in answer.out.splitlines() if line.rstrip().endswith("B") or " B " in line]
    assert [row[0] for row in rows] == ["d", "c", "b", "a"]
    assert "running" in rows[2]
    assert "6/6" in rows[2]
    assert "6/100" in rows[3]
    assert "stopped" in rows[3]
    assert (rows[3][rows[3].index("days") - 1], "days") == ("5", "days")
    assert "c/trials.jsonl:1: not a trial" in answer.out
    assert f"nas train {runs}/d --resume" in answer.out


def test_a_narrow_terminal_loses_one_column_after_another(
    nas: Command, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, None] = {}
    for columns in range(80, 38, -3):
        monkeypatch.setenv("COLUMNS", str(columns))
        answer = nas("runs", runs)
        assert "accuracy 9" in answer.out, "a best value with the name of its metric"
        if headings := [line for line in answer.out.splitlines() if line.split()[:1] == ["name"]]:
            seen[" ".join(headings[0].split())] = None
    assert list(seen) == [
        "name kind state done best age size",
        "name kind state done best age",
        "name kind state done best",
        "name state done best",
    ]


def test_json_has_a_row_for_each(nas: Command, runs: Path) -> None:
    rows = {row["name"]: row for row in json.loads(nas("runs", runs, "--json").out)}
    assert list(rows) == ["d", "c", "b", "a [b]"]
    assert (rows["b"]["state"], rows["b"]["kind"], rows["b"]["objective"]) == ("finished", "search", "accuracy")
    assert 0.5 < rows["b"]["best"] < 1
    assert rows["b"]["bytes"] > 1000
    assert rows["c"]["state"] == "damaged"
    assert rows["c"]["reason"]


def test_a_search_that_ended_for_want_of_networks_says_so(nas: Command, tmp_path: Path) -> None:
    note_finished(finished_run(tmp_path / "a", budget={"trials": 40}).folder, exhausted=99)
    note_finished(finished_run(tmp_path / "b", budget={"seconds": 90.0}).folder, exhausted=99)
    out = " ".join(nas("runs", tmp_path).out.split())
    assert "13/40, none left" in out
    assert re.search(r"13 in \S+ \w+ of \S+ \w+, none left", out)


def test_an_empty_folder_says_what_to_do_and_a_missing_one_is_refused(nas: Command, tmp_path: Path) -> None:
    assert "nas search" in nas("runs", tmp_path).out
    assert nas("runs", tmp_path, "--json").out == "[]\n"
    answer = nas("runs", tmp_path / "none")
    assert (answer.status, answer.err.count("\n")) == (2, 1)


def test_a_run_in_place_of_the_folder_of_runs_is_told_so(nas: Command, runs: Path) -> None:
    folder = next(path.parent for path in runs.glob("*/config.yaml"))
    answer = nas("runs", folder)
    assert "is a run itself" in answer.out
    assert "nas report" in answer.out


def test_where_all_is_damaged_something_comes_next(nas: Command, tmp_path: Path) -> None:
    run = finished_run(tmp_path / "a", complete=1)
    (run.folder / "config.yaml").write_text("budget: {}")
    answer = nas("runs", tmp_path)
    assert answer.out.rstrip().endswith("Next:  nas search --budget 20")


def test_a_stopped_calibration_hides_no_search_that_can_go_on(nas: Command, tmp_path: Path) -> None:
    finished_run(tmp_path / "a", complete=1)
    calibrated = {"promotion": 1.0, "confirm": 1, "objectives": ("accuracy", "macs"), "rungs": (1, 2)}
    run = finished_run(tmp_path / "b", complete=1, **calibrated)
    write_environment(run.folder, {"started": datetime.now(UTC).isoformat()})
    answer = nas("runs", tmp_path)
    assert "calibration" in answer.out
    assert f"Next:  nas resume {tmp_path / 'a'}" in answer.out


@pytest.mark.parametrize(
    "command",
    [
        "show b",
        "show runs/b/best.yaml",
        "show b:0 b:1",
        "compare b b2 -o page.html",
        "layout b --members 20",
        "export b -o best.yaml --force",
        "profile b --seconds 0.2",
    ],
)
def test_commands_that_read_a_run_say_that_it_goes_on(
    nas: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for seed, name in enumerate(("a", "b", "b2")):
        write_report(finished_run(Path("runs") / name, seed=seed))
    arguments = command.split()
    assert "still runs" not in nas(*arguments).err
    with locked(Path("runs/b")):
        answer = nas(*arguments)
    assert answer.status == 0, answer.err
    assert "b still runs: this is what it has by now" in answer.err
    assert answer.err.count("still runs") == 1
