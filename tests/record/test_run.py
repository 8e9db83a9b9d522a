"""A run: made whole or not at all, its front and picks, its study."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import optuna
import pytest
from run_fixtures import empty_run, finished_run, trial

from nas.config import Budget
from nas.errors import RunError, SettingError, SpaceError
from nas.record.config_file import changed
from nas.record.folders import check_new, find_run
from nas.record.run import Run

FILES = ["config.yaml", "environment.json", "seal.json", "space.yaml", "trials.jsonl"]


def test_a_folder_is_made_whole_or_not_at_all(tmp_path):
    empty_run(tmp_path / "a")
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == FILES
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
            for other in run.results
        )
    latencies = [t.metrics["latency"] for t in front]
    assert latencies == sorted(latencies)
    assert run.pick("latency") == front[0]
    assert run.pick("accuracy") == front[-1] == max(run.results, key=lambda t: t.metrics["accuracy"])
    assert run.pick("knee") in front
    assert run.pick(3) == run.pick("3") == run.results[3]
    assert run.pick(3).trial == run.trials[3]


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
    assert all(t.state is optuna.trial.TrialState.PRUNED and t.constraints for t in study.trials[12:])
    assert not any(t.constraints for t in study.trials[:12]), "without limits"
    assert study.metric_names == list(run.config.objectives)
    figure = optuna.visualization.plot_pareto_front(study)
    assert sum(len(part.x) for part in figure.data) == 12


def test_the_trials_of_a_study_have_the_times_that_they_took(tmp_path):
    run = empty_run(tmp_path / "a")
    for number in range(3):
        run.append(replace(trial(run, number, seconds={"train": 2.0, "build": 0.5}), ended=10.0 * number + 5))
    environment = run.folder / "environment.json"
    environment.write_text(json.dumps(run.environment | {"started": "2026-11-30T10:00:00+00:00"}))
    trials = Run(run.folder).study().trials
    assert [trial.duration for trial in trials] == [timedelta(seconds=2.5)] * 3
    begun = datetime(2026, 11, 30, 10, tzinfo=UTC).astimezone().replace(tzinfo=None)
    assert [trial.datetime_complete - begun for trial in trials] == [timedelta(seconds=s) for s in (5, 15, 25)]
    (bars,) = optuna.visualization.plot_timeline(Run(run.folder).study()).data
    assert len(bars.base) == 3
    environment.write_text("{}")
    assert len(Run(run.folder).study().trials) == 3, "of an older run that is not known"


def test_the_study_tells_by_how_much_limits_are_kept_and_broken(tmp_path):
    run = empty_run(tmp_path / "a", maximum={"params": 1000, "latency": 2.0}, minimum={"params": 600})
    for number, (state, metrics) in enumerate(
        [
            ("complete", {"params": 800.0, "latency": 1.5, "accuracy": 0.5}),
            ("rejected", {"params": 300.0}),
            ("rejected", {"params": 1000.0, "latency": 5.0}),
            ("failed", {"params": 1000.0, "latency": 2.0}),
            ("failed", {}),
        ]
    ):
        run.append(trial(run, number, state, metrics=metrics))
    told = [t.constraints for t in Run(run.folder).study().trials]
    expected = [
        {"params": -0.2, "latency": -0.25},
        {"params": 0.5},
        {"params": 0.0, "latency": 1.5},
        {"params": 0.0, "latency": 0.0, "trial": 1.0},
        {"trial": 1.0},
    ]
    assert told == [pytest.approx(one) for one in expected]


def test_numbers_that_were_proposed_twice_are_left_out(tmp_path):
    run = empty_run(tmp_path / "a")
    for number in (0, 3, 4):
        run.append(trial(run, number))
    states = [t.state.name for t in Run(tmp_path / "a").study().trials]
    assert states == ["COMPLETE", "FAIL", "FAIL", "COMPLETE", "COMPLETE"]


def test_a_damaged_space_is_not_blamed_on_the_record(tmp_path):
    run = finished_run(tmp_path / "a", complete=2)
    (run.folder / "space.yaml").write_text("name: a\n")
    with pytest.raises(SpaceError, match=r"space\.yaml"):
        Run(run.folder).study()


def test_a_record_of_another_space_is_refused(tmp_path):
    run = finished_run(tmp_path / "a", complete=2)
    run.append(replace(trial(run, 40), decisions={"stem.kind": "conv"}))
    with pytest.raises(RunError, match=r"trial 40 is not a point of space\.yaml"):
        Run(tmp_path / "a").study()


def test_a_larger_budget_is_kept(tmp_path):
    run = empty_run(tmp_path / "a")
    run.go_by(changed(run.config, {"budget": "60s", "confirm": 7}))
    config = Run(tmp_path / "a").config
    assert (config.budget, config.confirm) == (Budget(seconds=60.0), 7)


def test_a_run_is_found_by_name_and_by_path(tmp_path, monkeypatch):
    finished_run(tmp_path / "runs" / "first", complete=1)
    assert find_run("first", tmp_path / "runs") == tmp_path / "runs" / "first"
    assert find_run(tmp_path / "runs" / "first") == tmp_path / "runs" / "first"
    with pytest.raises(SettingError, match=r"no run 'frst'\. Did you mean 'first'"):
        find_run("frst", tmp_path / "runs")
    with pytest.raises(SettingError, match="is not a run"):
        Run(tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingError, match=r"first is not a run \(it has no config\.yaml\); runs/first is one"):
        Run("first")


def test_a_run_and_a_result_are_shown_in_a_line_whatever_became_of_the_files(tmp_path):
    run = finished_run(tmp_path / "a", complete=3, failed=1, rejected=1)
    front = run.front()
    assert repr(run) == f"Run({run.folder}: 5 trials, front of {len(front)})"
    assert repr(front[0]).startswith(f"Result(trial {front[0].number}, {front[0].layout}: params ")
    assert len(repr(front[0])) < 150
    run.trials = None
    assert repr(run) == f"Run({run.folder})"
    assert repr(Run.__new__(Run)) == "Run(None)"
