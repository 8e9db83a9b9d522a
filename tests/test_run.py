"""The record on disk: what survives a torn line, a damaged one, a full disk and a second process."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import optuna
import pytest
from run_fixtures import empty_run, finished_run, trial

from nas.config import Budget
from nas.errors import RunError, SettingError
from nas.run import Run, check_new, find_run


def test_what_is_appended_is_read_back(tmp_path):
    run = finished_run(tmp_path / "a", complete=3, failed=1, rejected=1)
    again = Run(tmp_path / "a")
    assert again.trials == run.trials
    assert again.config == run.config
    assert again.space == run.space
    assert [t.state for t in again.trials] == ["complete"] * 3 + ["failed", "rejected"]
    assert len(again.trained) == 4
    assert all(t.load().key() == t.key for t in again.trials)


def test_a_line_torn_at_any_byte_loses_nothing_else(tmp_path):
    run = finished_run(tmp_path / "a", complete=3, failed=0, rejected=0)
    path = tmp_path / "a" / "trials.jsonl"
    whole = path.read_bytes()
    last = whole.rfind(b"\n", 0, -1) + 1
    for end in range(last, len(whole)):
        path.write_bytes(whole[:end])
        torn = Run(tmp_path / "a")
        assert torn.trials == run.trials[:2]
        assert path.read_bytes() == whole[:end], "reading changes nothing"
        if (end - last) % 10:
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


@pytest.mark.parametrize("line", ["", "{}", "not json", '{"number": 1, "state": "complete"}', "[]", "\x00" * 40])
def test_a_bad_line_in_the_middle_is_named(tmp_path, line):
    finished_run(tmp_path / "a", complete=3)
    path = tmp_path / "a" / "trials.jsonl"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], line, *lines[2:]]) + "\n")
    with pytest.raises(RunError, match=r"trials\.jsonl:2: not a trial; .*restore the line, or take it out"):
        Run(tmp_path / "a")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"number": 0}, "trial 0 stands there twice"),
        ({"metrics": {"accuracy": 0.5}}, "trial 1 has no latency"),
        ({"state": "done"}, "not a trial"),
        ({"number": "1"}, "not a trial"),
        ({"metrics": {"accuracy": "good", "latency": 1.0}}, "not a trial"),
    ],
)
def test_a_line_that_cannot_be_is_named(tmp_path, change, says):
    finished_run(tmp_path / "a", complete=3)
    path = tmp_path / "a" / "trials.jsonl"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], json.dumps(json.loads(lines[1]) | change), *lines[2:]]) + "\n")
    with pytest.raises(RunError, match=rf"trials\.jsonl:2: {says}"):
        Run(tmp_path / "a")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_no_number_that_json_lacks_gets_into_the_record(tmp_path, value):
    run = finished_run(tmp_path / "a", complete=2, failed=0, rejected=0)
    before = (tmp_path / "a" / "trials.jsonl").read_bytes()
    for broken in ({"metrics": {"accuracy": value, "latency": 1.0}}, {"details": {"losses": [value]}}):
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
from nas.run import Run
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


def test_a_folder_is_made_whole_or_not_at_all(tmp_path):
    empty_run(tmp_path / "a")
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == ["config.yaml", "environment.json", "space.yaml"]
    with pytest.raises(SettingError, match=r"the run .* exists already; take another --name, or continue it"):
        empty_run(tmp_path / "a")
    (tmp_path / "file").touch()
    for folder in ("file", "file/a", "file/a/b"):
        with pytest.raises(SettingError, match=r"exists already and is not a run|cannot be written"):
            empty_run(tmp_path / folder)
    with pytest.raises(SettingError, match="names no folder"):
        check_new(tmp_path / "..")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "file"]


def test_the_front_is_what_nothing_beats_and_the_picks_lie_on_it(tmp_path):
    run = finished_run(tmp_path / "a", complete=12)
    front = run.front()
    for kept in front:
        assert not any(
            other.metrics["accuracy"] >= kept.metrics["accuracy"] and other.metrics["latency"] < kept.metrics["latency"]
            for other in run.complete
        )
    latencies = [t.metrics["latency"] for t in front]
    assert latencies == sorted(latencies)
    assert run.pick("latency") == front[0]
    assert run.pick("accuracy") == front[-1] == max(run.complete, key=lambda t: t.metrics["accuracy"])
    assert run.pick("knee") in front
    assert run.pick(3) == run.pick("3") == run.trials[3]


@pytest.mark.parametrize("which", ["99", "13", "²", "-1", "kne", "macs", "9" * 5000])
def test_no_other_pick_is_taken(tmp_path, which):
    with pytest.raises(SettingError):
        finished_run(tmp_path / "a").pick(which)


def test_a_run_without_trials_has_nothing_to_pick(tmp_path):
    run = empty_run(tmp_path / "a")
    assert run.front() == []
    assert run.to_frame().empty
    with pytest.raises(RunError, match="no finished trial to pick"):
        run.pick("knee")


def test_the_frame_has_a_row_a_trial(tmp_path):
    run = finished_run(tmp_path / "a")
    frame = run.to_frame()
    assert len(frame) == 14
    assert frame["on_front"].sum() == len(run.front())
    assert frame.loc[0, "accuracy"] == run.trials[0].metrics["accuracy"]
    assert frame.loc[0, "stages.0.block"] == run.trials[0].decisions["stages.0.block"]


def test_the_study_holds_every_trial_and_draws(tmp_path):
    run = finished_run(tmp_path / "a")
    study = run.study()
    assert [t.number for t in study.trials] == [t.number for t in run.trials]
    assert [t.values for t in study.trials[:12]] == [
        [t.metrics["accuracy"], t.metrics["latency"]] for t in run.trials[:12]
    ]
    assert {t.number for t in study.best_trials} == {t.number for t in run.front()}
    assert study.trials[0].params == run.trials[0].decisions
    assert all(t.state is optuna.trial.TrialState.FAIL for t in study.trials[12:])
    figure = optuna.visualization.plot_pareto_front(study, target_names=list(run.config.objectives))
    assert sum(len(part.x) for part in figure.data) == 12


def test_numbers_that_were_proposed_twice_are_left_out(tmp_path):
    run = empty_run(tmp_path / "a")
    for number in (0, 3, 4):
        run.append(trial(run, number))
    states = [t.state.name for t in Run(tmp_path / "a").study().trials]
    assert states == ["COMPLETE", "FAIL", "FAIL", "COMPLETE", "COMPLETE"]


def test_a_record_of_another_space_is_refused(tmp_path):
    run = finished_run(tmp_path / "a", complete=2)
    run.append(replace(trial(run, 40), decisions={"stem.kind": "conv"}))
    with pytest.raises(RunError, match=r"trial 40 is not a point of space\.yaml"):
        Run(tmp_path / "a").study()


def test_a_larger_budget_is_kept(tmp_path):
    run = empty_run(tmp_path / "a")
    run.extend(Budget(seconds=60.0))
    assert Run(tmp_path / "a").config.budget == Budget(seconds=60.0)


def test_a_run_is_found_by_name_and_by_path(tmp_path):
    finished_run(tmp_path / "runs" / "first", complete=1)
    assert find_run("first", tmp_path / "runs") == tmp_path / "runs" / "first"
    assert find_run(tmp_path / "runs" / "first") == tmp_path / "runs" / "first"
    with pytest.raises(SettingError, match=r"no run 'frst'\. Did you mean 'first'"):
        find_run("frst", tmp_path / "runs")
    with pytest.raises(SettingError, match="is not a run"):
        Run(tmp_path)
