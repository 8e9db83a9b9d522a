"""Whole searches, small ones: repeatable, resumable, and stopped by nothing that one trial does."""

import os
import signal
import time
from pathlib import Path

import filelock
import optuna
import pytest
import torch
import yaml
from forks import Forked
from small_searches import ALIKE, QUICK, SPACE, Stopped, search, story

import nas
from nas.costs.counts import cost
from nas.engine.watcher import Watcher
from nas.errors import RunError, SettingError
from nas.evaluation import evaluator
from nas.record.command import exhausted, going_on
from nas.record.listing import entries
from nas.record.run import Run
from nas.space.space import draw


def stop_after(count: int) -> Watcher:
    def ended(_trial, run):
        if len(run.trials) >= count:
            raise Stopped

    return Watcher(ended=ended)


@pytest.mark.parametrize("sampler", ["random", "tpe", "nsga2", "pareto"])
def test_the_same_seed_gives_the_same_search(space, sampler):
    runs = [search(space, name, sampler=sampler, seed=seed) for name, seed in (("a", 3), ("b", 3), ("c", 4))]
    assert story(runs[0]) == story(runs[1])
    assert story(runs[0]) != story(runs[2])


@pytest.mark.long
@pytest.mark.parametrize(
    ("sampler", "budget", "at"), [("random", 5, 2), ("tpe", 16, 12), ("nsga2", 6, 3), ("pareto", 16, 12)]
)
def test_a_resumed_search_goes_on_as_the_uninterrupted_one(space, sampler, budget, at):
    whole = search(space, "whole", budget, sampler=sampler)
    with pytest.raises(Stopped):
        search(space, "torn", budget, sampler=sampler, watcher=stop_after(at))
    torn = Run(space.parent / "runs" / "torn")
    assert len(torn.trials) == at
    assert story(nas.resume(torn)) == story(whole)


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["tpe", "nsga2"])
def test_a_long_search_resumed_again_and_again_is_the_uninterrupted_one(space, sampler):
    """Long enough that NSGA-II breeds (its population is 50) and that proposals repeat."""
    whole = search(space, "whole", 130, sampler=sampler)
    with pytest.raises(Stopped):
        search(space, "torn", 130, sampler=sampler, watcher=stop_after(31))
    for at in (52, 60, 77, 101):
        with pytest.raises(Stopped):
            nas.resume(space.parent / "runs" / "torn", watcher=stop_after(at))
    assert story(nas.resume(space.parent / "runs" / "torn")) == story(whole)


def test_no_architecture_is_trained_twice_and_an_exhausted_space_ends_the_search(space):
    data = SPACE | {"stages": [{"block": ["conv", "mbconv"], "depth": [1, 2], "width": 8, "stride": 2}]}
    space.write_text(yaml.safe_dump(data | {"blocks": {}, "stem": {"kind": "conv", "width": 4}}))
    for sampler in ("random", "tpe", "pareto"):
        run = search(space, sampler, 50, sampler=sampler, workers=1)
        assert run.space.size() == 4
        assert len(run.trials) == len({t.key for t in run.trials}) == 4
        assert exhausted(run) == "all 4 networks of the space were trained"
        assert nas.resume(run, budget=60).trials == run.trials
        assert (going_on(run), next(entries(run.folder.parent)).summary.exhausted) == ("", True)


def test_what_keeps_a_limit_is_searched_to_its_end_and_confirmed(space):
    blocks = {"block": ["conv", "mbconv"], "depth": [1, 2], "stride": 2}
    few = SPACE | {"stages": [blocks | {"width": [4, 8, 12]}, blocks | {"width": [8, 16]}]}
    space.write_text(yaml.safe_dump(few | {"blocks": {"mbconv": {"expansion": [1, 2]}}}))
    said = []
    run = search(space, "a", 200, maximum={"params": 1100}, confirm=1, watcher=Watcher(warned=said.append), workers=1)
    assert {t.key for t in run.trials} == {a.key() for a in draw(run.space, run.space.size()) if cost(a).params <= 1100}
    assert {one.trial for one in run.further} >= {result.number for result in run.front()}
    assert sum(f"the search ends after {len(run.trials)} networks: no other was found" in line for line in said) == 1
    assert (exhausted(run), going_on(run)) == ("no further network of the space was found that keeps every limit", "")
    assert nas.resume(run, budget=300).trials == run.trials


def test_limits_that_exclude_each_other_are_refused(space):
    with pytest.raises(SettingError, match="--min params=2000 is above --max params=1000: nothing lies between"):
        search(space, "a", maximum={"params": 1000}, minimum={"params": 2000})


def test_limits_that_nothing_meets_together_are_refused(space):
    with pytest.raises(
        SettingError, match=r"no network of tiny was found that keeps every limit, neither .*: params \d+ is"
    ):
        search(space, "a", maximum={"params": 3000.9}, minimum={"params": 3000.1})
    assert not (space.parent / "runs" / "a").exists()


@pytest.mark.long
@pytest.mark.parametrize(
    "sampler", ["pareto", *(pytest.param(name, marks=pytest.mark.slow) for name in ("random", "tpe"))]
)
def test_networks_with_several_sets_of_decisions_are_trained_once_and_resumed_alike(space, sampler):
    space.write_text(yaml.safe_dump(ALIKE))
    whole = search(space, "whole", 25, sampler=sampler, workers=1)
    with pytest.raises(Stopped):
        search(space, "torn", 25, sampler=sampler, workers=1, watcher=stop_after(18))
    assert len({trial.key for trial in whole.trials}) == 25
    assert any(trial.passed for trial in whole.trials)
    assert story(nas.resume(space.parent / "runs" / "torn")) == story(whole)


def test_a_head_that_depends_on_which_stage_is_the_last_is_searched_to_its_end(space):
    last = {"block": "vit", "depth": [0, 1], "width": 8, "stride": 1}
    data = {
        "resolution": 8,
        "stem": {"kind": "conv", "width": 8},
        "stages": [last | {"block": ["vit", "moat"], "depth": 1}, last],
    }
    blocks = {"blocks": {kind: {"head_dim": 4} for kind in ("vit", "moat")}}
    space.write_text(yaml.safe_dump(data | blocks | {"head": {"kind": ["pool", "class_token"]}}))
    assert len(search(space, "a", 20, sampler="pareto").trials) == 7


def test_what_a_search_leaves_behind(space):
    run = search(space, "a")
    names = {p.name for p in run.folder.iterdir()}
    expected = {
        "trials.jsonl",
        "config.yaml",
        "space.yaml",
        "environment.json",
        "trials.csv",
        "report.html",
        "best.yaml",
        "members.json",
    }
    assert names >= expected | {"front"}
    assert len(list((run.folder / "front").iterdir())) == len(run.front())
    best = nas.load_architecture(run.folder / "best.yaml")
    assert best.key() == run.pick("knee").key
    assert (best.channels, best.classes, best.resolution) == (1, 10, 8)
    assert nas.build(best)(torch.zeros(2, 1, 8, 8)).shape == (2, 10)
    assert len(run.to_frame()) == 5
    figure = optuna.visualization.plot_pareto_front(run.study())
    assert sum(len(part.x) for part in figure.data) == 5


def test_a_training_that_diverges_fails_and_the_search_goes_on(space):
    run = search(space, "a", 3, recipe=QUICK | {"learning_rate": 1e30, "epochs": 3})
    assert [t.state for t in run.trials] == ["failed"] * 3
    assert all("the loss became" in t.outcome.reason for t in run.trials), run.trials
    assert all(t.metrics["params"] > 0 for t in run.trials)
    assert "NaN" not in (run.folder / "trials.jsonl").read_text()
    assert run.front() == []
    assert not (run.folder / "best.yaml").exists()


@pytest.mark.long
def test_memory_that_runs_out_ends_one_trial(tmp_path):
    """One of two networks needs more than 2 GB for a single weight; the process may have 2 more than it has."""
    data = {
        "name": "huge", "resolution": 8, "stem": {"kind": "patchify", "width": 8, "patch_size": 4},
        "stages": [{"block": "conv", "depth": 1, "width": [8, 8192], "stride": 1, "kernel_size": 3}],
    }  # fmt: skip
    (tmp_path / "huge.yaml").write_text(yaml.safe_dump(data))
    code = """
import resource, sys
import nas, nas.engine.search, nas.evaluation.evaluator
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 2 * 10**9, resource.RLIM_INFINITY))
run = nas.search("huge.yaml", data="digits", budget=2, name="a", objectives=("accuracy", "params"), sampler="random",
                 recipe={"epochs": 1, "subset": 64})
"""
    process = Forked([code], tmp_path, "forks:script")
    _, err = process.communicate()
    assert process.returncode == 0, err
    trials = Run(tmp_path / "runs" / "a").trials
    assert sorted(t.state for t in trials) == ["complete", "failed"]
    assert "out of memory" in next(t.outcome.reason for t in trials if t.state == "failed")


def test_what_breaks_a_limit_is_never_proposed(space):
    run = search(space, "a", 4, maximum={"params": 1500.0})
    assert len(run.results) == len(run.spent) == len(run.trials) == 4
    assert all(t.metrics["params"] <= 1500 for t in run.results)


@pytest.mark.parametrize("limits", [{"params": 1.0}, {"latency": 1e-6}])
def test_a_limit_that_nothing_keeps_is_refused_at_once(space, limits):
    with pytest.raises(SettingError, match="every network of tiny is above that; the closest has"):
        search(space, "a", 4, maximum=limits)
    assert not (space.parent / "runs").exists()


def test_a_throughput_that_nothing_reaches_is_refused_at_once(space):
    with pytest.raises(SettingError, match=r"--min throughput=1e.*every network of tiny is below that; the closest "):
        search(space, "a", 4, minimum={"throughput": 1e9})
    assert not (space.parent / "runs").exists()


@pytest.mark.long
def test_a_time_is_a_budget(space):
    start = time.monotonic()
    run = search(space, "a", "2s")
    assert len(run.spent) >= 1
    assert time.monotonic() - start < 30
    done = len(run.spent)
    assert len(nas.resume(run, budget=f"{run.seconds + 1:.0f}s").spent) >= done


def test_a_budget_that_is_spent_already_is_refused(space):
    run = search(space, "a", 3)
    before = (run.folder / "config.yaml").read_bytes()
    with pytest.raises(SettingError, match="budget: found 2; 3 networks are trained already, write more"):
        nas.resume(run, budget=2)
    with pytest.raises(SettingError, match=r"budget: found 0.01 s; it took [\d.]+ s already, write more"):
        nas.resume(run, budget="0.01s")
    assert (run.folder / "config.yaml").read_bytes() == before


def test_a_larger_budget_goes_on(space):
    run = search(space, "a", 3)
    before = (run.folder / "trials.jsonl").read_bytes()
    for left in (".report.html.0123abcd", "front/.01_best.yaml.0123abcd", ".mine"):
        (run.folder / left).write_text("half a page")  # as a kill leaves it
    more = nas.resume(run.folder, budget=6)
    assert [path.name for path in run.folder.rglob(".*") if path.name != ".lock"] == [".mine"]
    assert len(more.spent) == 6
    assert (run.folder / "trials.jsonl").read_bytes().startswith(before)
    assert story(more) == story(search(space, "b", 6))


def test_the_front_of_a_finished_search_is_trained_again_as_often_as_told(space):
    run = search(space, "a", 3, confirm=0)
    assert not run.further
    for wrong in (-1, 101, "many"):
        with pytest.raises(SettingError, match=r"confirm: found .*write a whole number from 0 to 100"):
            nas.resume(run.folder, confirm=wrong)
    more = nas.resume(run.folder, confirm=1)
    assert more.trials == run.trials
    assert {one.trial for one in more.further} >= {result.number for result in more.front()}
    assert {one.repeat for one in more.further} == {1}
    process = Forked(["resume", str(run.folder), "--confirm", "2"], space.parent)
    _, err = process.communicate()
    assert process.returncode == 0, err
    again = Run(run.folder)
    assert again.trials == run.trials
    assert all(result.repeats == 2 for result in again.front())


@pytest.mark.long
def test_a_second_process_is_refused(space):
    run = search(space, "a", 2)
    with filelock.FileLock(run.folder / ".lock"):
        process = Forked(["resume", str(run.folder), "--budget", "9"], space.parent)
        _, err = process.communicate()
    assert process.returncode == 1
    assert err == f"error: {run.folder}: another process is searching there; wait for it or end it\n"
    assert Run(run.folder).config.budget.trials == 2
    with filelock.FileLock(run.folder / ".lock"), pytest.raises(RunError, match="another process"):
        nas.resume(run)


def test_a_report_that_cannot_be_written_does_not_hide_why_the_search_ended(space):
    (space.parent / "runs").mkdir()

    def ended(_trial, run):
        (run.folder / "report.html").mkdir(exist_ok=True)
        raise RunError("the cause")

    with pytest.raises(RunError, match="the cause"):
        search(space, "a", watcher=Watcher(ended=ended))


# ---- real processes, killed and interrupted


def start(space: Path, name: str, *, sampler: str = "random", budget: int = 30, rungs: str = "1"):
    line = (
        f"search --space {space} --data digits --objectives accuracy,params --subset 64 --batch-size 32 "
        f"--sampler {sampler} --epochs 1 --budget {budget} --rungs {rungs} --workers 1 --name {name}"
    )
    return Forked(line.split(), space.parent)


def wait_for(process: Forked, record: Path, lines: int) -> None:
    """Until so many trials are on disk."""
    for _ in range(6000):
        if record.exists() and record.read_bytes().count(b"\n") >= lines:
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    raise AssertionError("the search did not begin")


def assert_killed_and_resumed(
    space: Path, sampler: str, budget: int, kills: tuple[int, ...], *, file: str = "trials.jsonl", rungs: str = "1"
) -> None:
    """Kill a search when so many lines are in a file of its record, and resume it, until it equals an unhurt one."""
    record = space.parent / "runs" / "killed" / file
    process, before = start(space, "killed", sampler=sampler, budget=budget, rungs=rungs), b""
    for count in kills:
        wait_for(process, record, count)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        kept = record.read_bytes()
        assert kept.startswith(before), "what was finished before is still there"
        before = kept[: kept.rfind(b"\n") + 1]
        process = Forked(["resume", "killed"], space.parent)
    _, stderr = process.communicate(timeout=300)
    assert process.returncode == 0, stderr
    assert record.read_bytes().startswith(before)
    whole = search(space, "whole", budget, sampler=sampler, rungs=rungs, workers=1)
    resumed = Run(record.parent)
    assert story(resumed) == story(whole)
    further = [[(c.trial, c.rung, c.repeat, c.outcome.metrics) for c in run.further] for run in (resumed, whole)]
    assert further[0] == further[1]


@pytest.mark.long
def test_a_kill_in_the_middle_loses_no_finished_trial(space):
    assert_killed_and_resumed(space, "tpe", budget=16, kills=(4,))


@pytest.mark.faults
def test_a_kill_among_trainings_that_go_on_loses_none(space):
    assert_killed_and_resumed(space, "random", 12, (1, 4), file="further.jsonl", rungs="1,2,4")


@pytest.mark.faults
@pytest.mark.parametrize("sampler", ["random", "tpe", "nsga2"])
def test_kills_over_and_over_lose_no_finished_trial(space, sampler):
    assert_killed_and_resumed(space, sampler, budget=70, kills=(2, 11, 30, 52, 61))


@pytest.mark.long
@pytest.mark.parametrize("sent", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.faults)])
def test_an_interrupt_ends_cleanly_and_says_how_to_go_on(space, sent):
    process = start(space, "a", budget=1000)
    wait_for(process, space.parent / "runs" / "a" / "trials.jsonl", 2)
    process.send_signal(sent)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in stderr
    assert "Every finished trial is kept. Go on with: nas resume runs/a" in " ".join(stdout.split())
    run = Run(space.parent / "runs" / "a")
    assert len(run.trials) >= 2
    assert (run.folder / "report.html").exists()
    done = len(run.trials)
    assert len(nas.resume(run, budget=done + 1).trials) == done + 1


def test_a_search_leaves_the_process_as_it_found_it(space):
    torch.set_num_threads(2)
    optuna.logging.set_verbosity(optuna.logging.DEBUG)
    before = dict(os.environ)
    try:
        search(space, "a", budget=2, objectives=("accuracy", "latency"))
        assert torch.get_num_threads() == 2
        assert optuna.logging.get_verbosity() == optuna.logging.DEBUG
        assert dict(os.environ) == before
    finally:
        torch.set_num_threads(1)
        optuna.logging.set_verbosity(optuna.logging.INFO)


def test_trials_are_trained_in_one_thread(space, monkeypatch):
    threads = []
    real = evaluator.train
    monkeypatch.setattr(evaluator, "train", lambda *a, **k: threads.append(torch.get_num_threads()) or real(*a, **k))
    torch.set_num_threads(2)
    try:
        search(space, "a", budget=2)
    finally:
        torch.set_num_threads(1)
    assert set(threads) == {1}
