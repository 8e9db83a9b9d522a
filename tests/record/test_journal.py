"""The record on disk: what survives a torn line, a damaged one, a full disk."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest
from run_fixtures import empty_run, finished_run, trial

from nas.errors import RunError
from nas.record.journal import BEGUN, FURTHER, RECORD, skim
from nas.record.run import Run
from nas.record.trial import Further, further_line
from nas.report.page import write_report


def test_what_is_appended_is_read_back(tmp_path):
    run = finished_run(tmp_path / "a", complete=3, failed=1, rejected=1)
    again = Run(tmp_path / "a")
    assert again.trials == run.trials
    assert again.config == run.config
    assert again.space == run.space
    assert [t.state for t in again.trials] == ["complete"] * 3 + ["failed", "rejected"]
    assert len(again.spent) == 4
    assert all(t.architecture.key() == t.key for t in again.trials)


@pytest.mark.long
def test_a_line_torn_at_any_byte_loses_nothing_else(tmp_path):
    run = finished_run(tmp_path / "a", complete=3, failed=0, rejected=0)
    path = tmp_path / "a" / "trials.jsonl"
    whole = path.read_bytes()
    last = whole.rfind(b"\n", 0, -1) + 1
    for end in (*range(last, len(whole) - 50, 3), *range(len(whole) - 50, len(whole))):
        path.write_bytes(whole[:end])
        torn = Run(tmp_path / "a")
        if end == len(whole) - 1:  # only the end of the line is missing
            assert torn.trials == run.trials
            torn.repair()
            assert path.read_bytes() == whole
            continue
        assert torn.trials == run.trials[:2]
        assert path.read_bytes() == whole[:end], "reading changes nothing"
        if (end - last) % 30:
            continue
        torn.repair()
        assert path.read_bytes() == whole[:last]
        torn.append(run.trials[2])
        assert path.read_bytes() == whole
        assert Run(tmp_path / "a").trials == run.trials


def test_a_first_line_torn_leaves_an_empty_record(tmp_path):
    run = finished_run(tmp_path / "a", complete=1, failed=0, rejected=0)
    path = tmp_path / "a" / "trials.jsonl"
    path.write_bytes(path.read_bytes()[:50])
    torn = Run(tmp_path / "a")
    torn.repair()
    assert torn.trials == []
    torn.append(run.trials[0])
    assert Run(tmp_path / "a").trials == run.trials


@pytest.mark.parametrize(
    "line",
    ["{}", '{"number": 1, "deci', "not json", '{"number": 1, "state": "complete"}', "[]", "\x00" * 40, "[" * 100_000],
)
def test_a_bad_line_in_the_middle_is_named(tmp_path, line):
    finished_run(tmp_path / "a", complete=3)
    path = tmp_path / "a" / "trials.jsonl"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], line, *lines[2:]]) + "\n")
    with pytest.raises(RunError, match=r"trials\.jsonl:2: not a trial; .*restore the line, or take it out"):
        Run(tmp_path / "a")


def spoilt(trials: bytes) -> dict[str, bytes]:
    """What editors, copies and merges make of a record without changing a trial in it."""
    lines = trials.splitlines()
    return {
        "crlf": b"\r\n".join(lines) + b"\r\n",
        "bom": b"\xef\xbb\xbf" + trials,
        "blank": b"\n" + b"\n  \n\n".join(lines) + b"\n\n",
        "no end": trials.rstrip(b"\n"),
        "twice": trials + lines[1] + b"\n" + trials,
        "cr": trials.replace(b"\n", b"\r"),
        "spaced": b"\n".join(json.dumps(json.loads(line), indent=None, sort_keys=True).encode() for line in lines),
    }


@pytest.mark.parametrize("how", ["crlf", "cr", "bom", "blank", "no end", "twice", "spaced"])
def test_what_parses_is_a_trial(tmp_path, how):
    run = finished_run(tmp_path / "a", complete=3)
    for number in range(2):
        run.append_further(Further(0, 1 + number, run.trials[number].outcome))
    for name in (RECORD, FURTHER):
        path = tmp_path / "a" / name
        path.write_bytes(spoilt(path.read_bytes())[how])
    again = Run(tmp_path / "a")
    again.repair()
    assert (again.trials, again.further) == (run.trials, run.further)
    again.append(trial(run, 7))
    assert Run(tmp_path / "a").trials == again.trials, "what is appended has a line of its own"


def test_lines_in_another_order_are_the_same_record(tmp_path):
    run = empty_run(tmp_path / "a")
    for number in (1, 0, 2):
        run.append(replace(trial(run, number), ended=10.0 + number % 2))
    path = tmp_path / "a" / RECORD
    path.write_bytes(b"".join(reversed(path.read_bytes().splitlines(keepends=True))))
    assert [t.number for t in Run(tmp_path / "a").trials] == [2, 0, 1], "by their ends, those at once as they stand"


def test_a_further_training_that_stands_there_twice_with_two_values_is_named(tmp_path):
    run = finished_run(tmp_path / "a", complete=2)
    for number in range(2):
        run.append_further(Further(0, 1, run.trials[number].outcome))
    with pytest.raises(RunError, match=r"further\.jsonl:2: further training 1 of trial 0 appears twice, with"):
        Run(tmp_path / "a")


@pytest.mark.parametrize("metrics", [{}, {"accuracy": float("nan")}])
def test_a_further_training_without_its_values_is_named(tmp_path, metrics):
    run = finished_run(tmp_path / "a", complete=2)
    line = json.loads(further_line(Further(0, 1, run.trials[0].outcome)))
    (tmp_path / "a" / FURTHER).write_text(
        json.dumps(changed(line, {"outcome": line["outcome"] | {"metrics": metrics}}))
    )
    with (tmp_path / "a" / FURTHER).open("a") as file:
        file.write("\n")
    with pytest.raises(RunError, match=r"further\.jsonl:1: further training of trial 0 has no accuracy"):
        Run(tmp_path / "a")


def test_a_trial_whose_line_was_taken_out_takes_its_further_trainings_along(tmp_path):
    run = finished_run(tmp_path / "a", complete=3)
    for number in range(3):
        run.append_further(Further(number, 1, run.trials[number].outcome))
    path = tmp_path / "a" / RECORD
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[1:]))
    assert [one.trial for one in Run(tmp_path / "a").further] == [1, 2]
    assert [one.number for one in skim(tmp_path / "a")[1]] == [1, 2]


def test_the_next_network_of_a_number_has_no_trainings_of_one_that_was_taken_out(tmp_path):
    run = finished_run(tmp_path / "a", complete=3, failed=0, rejected=0)
    for number in (1, 2):
        run.append_further(Further(number, 1, trial(run, 7).outcome))
    path = tmp_path / "a" / RECORD
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:2]))
    again = Run(tmp_path / "a")
    again.repair()
    again.append(trial(again, 2))
    again.append_further(Further(2, 1, trial(again, 8).outcome))
    found = Run(tmp_path / "a")
    kept = [(1, trial(run, 7).outcome), (2, trial(run, 8).outcome)]
    assert [(one.trial, one.outcome) for one in found.further] == kept


def test_a_record_that_was_emptied_is_not_filled_anew_unasked(tmp_path):
    run = finished_run(tmp_path / "a", complete=2)
    (tmp_path / "a" / "trials.csv").write_text("number,state\n0,complete\n")
    (tmp_path / "a" / RECORD).write_bytes(b"")
    says = r"trials\.jsonl: holds no trial, but trials\.csv lists some: put the record back"
    for read in (run.repair, lambda: Run(run.folder), lambda: write_report(Run(run.folder))):
        with pytest.raises(RunError, match=says):
            read()
    assert "complete" in (tmp_path / "a" / "trials.csv").read_text()


def test_a_record_in_a_line_that_parses_as_none_is_not_cut_off(tmp_path):
    run = finished_run(tmp_path / "a", complete=2)
    write_report(run)
    path = tmp_path / "a" / RECORD
    joined = path.read_bytes().replace(b"\n", b"")
    path.write_bytes(joined)
    with pytest.raises(RunError, match="holds no trial, but"):
        run.repair()
    assert path.read_bytes() == joined


def changed(line: dict, change: dict) -> dict:
    """A line with other values, also in what lies inside it."""
    inner = {k: line[k] | v if isinstance(v, dict) else v for k, v in change.items()}
    return line | inner


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"number": 0}, "trial 0 appears twice, with different values"),
        ({"outcome": {"metrics": {"accuracy": 0.5}}}, "trial 1 has no latency"),
        ({"outcome": {"metrics": {"accuracy": float("nan"), "latency": 1.0}}}, "trial 1 has no accuracy"),
        ({"outcome": {"state": "done"}}, "not a trial"),
        ({"number": "1"}, "not a trial"),
        ({"outcome": {"metrics": {"accuracy": "good", "latency": 1.0}}}, "not a trial"),
        ({"architecture": {"stem": 7}}, "not a trial"),
        ({"architecture": {"stages": []}}, "not a trial"),
    ],
)
def test_a_line_that_cannot_be_is_named(tmp_path, change, says):
    finished_run(tmp_path / "a", complete=3)
    path = tmp_path / "a" / "trials.jsonl"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], json.dumps(changed(json.loads(lines[1]), change)), *lines[2:]]) + "\n")
    with pytest.raises(RunError, match=rf"trials\.jsonl:2: {says}"):
        Run(tmp_path / "a")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_no_number_that_json_lacks_gets_into_the_record(tmp_path, value):
    run = finished_run(tmp_path / "a", complete=2, failed=0, rejected=0)
    before = (tmp_path / "a" / "trials.jsonl").read_bytes()
    for broken in ({"metrics": {"accuracy": value, "latency": 1.0}}, {"losses": (value,)}):
        with pytest.raises(ValueError, match="JSON"):
            run.append(trial(run, 2, **broken))
    assert (tmp_path / "a" / "trials.jsonl").read_bytes() == before
    assert len(run.trials) == 2


def test_a_full_disk_tears_nothing(tmp_path):
    """A process that may write no more than some bytes to a file fails at each length of the second line."""
    run = finished_run(tmp_path / "a", complete=1, failed=0, rejected=0)
    whole = (tmp_path / "a" / "trials.jsonl").read_bytes()
    code = """
import resource, sys
from nas.errors import RunError
from nas.record.run import Run
from nas.record.trial import Further
from run_fixtures import trial
run = Run(sys.argv[1])
second = trial(run, 1)
size = (run.folder / "trials.jsonl").stat().st_size
for room in (0, 1, 100, 700):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + room, resource.RLIM_INFINITY))
    try:
        run.append(second)
    except RunError as error:
        print(error)
    assert len(run.trials) == 1
"""
    path = os.pathsep.join([os.path.dirname(__file__), *sys.path])  # noqa: PTH120
    found = subprocess.run([sys.executable, "-c", code, str(tmp_path / "a")], env=os.environ | {"PYTHONPATH": path},
                           capture_output=True, text=True, check=False)  # fmt: skip
    assert found.returncode == 0, found.stderr
    says = f"{tmp_path / 'a' / 'trials.jsonl'}: cannot be written (File too large); free it and run: nas resume "
    assert found.stdout.count(says) == 4
    assert (tmp_path / "a" / "trials.jsonl").read_bytes() == whole
    assert Run(tmp_path / "a").trials == run.trials


def test_what_was_begun_and_not_finished_is_repeated_in_its_order(tmp_path):
    run = empty_run(tmp_path / "a")
    trials = [trial(run, number) for number in range(5)]
    for begun in (*trials, trials[3]):  # the last one begun twice: it was interrupted before
        run.note_begun(begun.decisions)
    for number in (2, 0):
        run.append(trials[number])
    for _ in range(2):  # reading forgets what is finished, and nothing else
        assert Run(tmp_path / "a").interrupted() == [trials[n].decisions for n in (1, 3, 4)]


def test_a_note_torn_at_any_byte_is_one_that_had_not_begun(tmp_path):
    run = empty_run(tmp_path / "a")
    trials = [trial(run, number) for number in range(3)]
    for begun in trials[:2]:
        run.note_begun(begun.decisions)
    path = tmp_path / "a" / BEGUN
    whole = path.read_bytes()
    second = whole.index(b"\n") + 1
    for end in range(second, len(whole) - 1):
        path.write_bytes(whole[:end])
        assert run.interrupted() == [trials[0].decisions]
        if end % 20 == 0:
            run.note_begun(trials[2].decisions)
            assert run.interrupted() == [trials[0].decisions, trials[2].decisions]


@pytest.mark.parametrize("line", ["[]", "7", "{}", '{"stem.kind": []}', '{"stem.kind": "conv"}', "\x00", "\udcff"])
def test_a_note_that_is_none_is_passed_over(tmp_path, line):
    run = empty_run(tmp_path / "a")
    run.note_begun(trial(run, 0).decisions)
    with (tmp_path / "a" / BEGUN).open("a", errors="surrogateescape") as file:
        file.write(line + "\n")
    run.note_begun(trial(run, 1).decisions)
    assert run.interrupted() == [trial(run, n).decisions for n in (0, 1)]
