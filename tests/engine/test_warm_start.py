"""Searches that learn from earlier runs."""

import json
import shutil
from pathlib import Path
from typing import Any

import optuna
import pytest
from command import Command
from run_fixtures import SPACE, empty_run, finished_run, trial
from small_searches import SETTINGS

from nas.config import make_config
from nas.data import load
from nas.engine.search import resume, search
from nas.engine.warm_start import MOST, learn
from nas.engine.watcher import Watcher
from nas.errors import RunError, SettingError
from nas.evaluation.job import Job, Outcome
from nas.record.fingerprint import fingerprint
from nas.record.learnt import Learnt
from nas.record.run import Run
from nas.record.trial import Further, Origin
from nas.registry import TASKS
from nas.space.library import load_space
from nas.space.matching import nearest
from nas.training.catalogue import load_task


def learn_from(run: Run, space: Any = SPACE, device: str = "cpu", **settings: Any) -> Learnt:
    return learn([run], make_config(settings), load_space(space), device)


def test_a_run_like_this_one_teaches_its_values(tmp_path: Path) -> None:
    run = finished_run(tmp_path / "old", complete=12, failed=1, rejected=1)
    learnt = learn_from(run)
    assert [t.number for t in learnt.trials] == list(range(12))
    assert [(t.decisions, t.metrics, t.key) for t in learnt.trials] == [
        (r.trial.decisions, r.metrics, r.key) for r in run.results
    ]
    assert [t.learnt_from for t in learnt.trials] == [Origin("old", n) for n in range(12)]
    assert learnt.designs == [r.trial.decisions for r in run.front()]
    assert learnt.notes == [f"old: {len(run.front())} designs of its front, the values of 12 trials"]


def test_of_a_ladder_a_sampler_that_is_told_first_trainings_learns_these(tmp_path: Path) -> None:
    run = finished_run(tmp_path / "old", complete=4, failed=0, rejected=0, rungs=(1, 3), sampler="tpe")
    better = run.trials[2].metrics | {"accuracy": 0.99}
    run.append_further(Further(2, 0, Outcome("complete", better), rung=1))
    first = learn_from(run, rungs=(1, 3), sampler="tpe").trials
    assert [t.metrics["accuracy"] for t in first] == [t.metrics["accuracy"] for t in run.trials]
    last = learn_from(run, rungs=(1, 3)).trials
    assert [t.metrics["accuracy"] for t in last] == [r.metrics["accuracy"] for r in run.results]
    assert last[2].metrics["accuracy"] == 0.99


def test_values_of_another_task_are_not_taken_over(tmp_path):
    run = finished_run(tmp_path / "old", complete=4)
    TASKS.add("other", load_task("classification"), "a test")
    try:
        learnt = learn([run], make_config({"task": "other"}), run.space, "cpu")
    finally:
        TASKS.remove("other")
    assert learnt.notes[0].endswith("no values, for its task is classification")
    assert learnt.trials == []


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"data": "digits"}, "no values, for its data set is cluttered_digits"),
        ({"recipe": {"epochs": 2}}, "no values, for its recipe has epochs 1"),
        ({"rungs": (1, 3)}, "no values, for its trainings have other lengths, 1 times the recipe's"),
        ({"device": "H100"}, "no values, for its times were measured with device cpu"),
        ({"latency_batch": 8}, "no values, for its times were measured with images at once 1"),
        ({"throughput_batch": 8}, "the values of 12 trials"),
        ({"threads": 2}, "no values, for its times were measured with threads 1"),
        ({"device": "H100", "objectives": ("accuracy", "macs")}, "the values of 12 trials"),
    ],
)
def test_values_on_another_scale_give_designs_only(tmp_path: Path, settings: dict[str, Any], why: str) -> None:
    run = finished_run(tmp_path / "old", complete=12)
    learnt = learn_from(run, **settings)
    assert learnt.notes[0].endswith(why)
    assert bool(learnt.trials) == why.startswith("the values")
    assert learnt.designs


def test_the_front_is_that_of_the_new_objectives(tmp_path: Path) -> None:
    run = finished_run(tmp_path / "old", complete=30)
    learnt = learn_from(run, objectives=("macs", "params"))
    smallest = min(run.results, key=lambda t: t.metrics["params"])
    assert learnt.designs == [smallest.trial.decisions], "both objectives rise together, so one is best in both"


def test_of_another_space_what_lies_in_it_is_known_and_the_front_is_mapped(tmp_path: Path) -> None:
    run = finished_run(tmp_path / "old", complete=40)
    narrow = SPACE | {"stem": {"kind": "conv", "width": [16, 24]}}
    learnt = learn_from(run, narrow)
    inside = [t for t in run.results if t.architecture.stem.kind == "conv"]
    assert 0 < len(inside) < 40
    assert [t.key for t in learnt.trials] == [t.key for t in inside]
    space = load_space(narrow)
    assert [space.replay(t.decisions).key() for t in learnt.trials] == [t.key for t in inside]
    near = [nearest(space, t.architecture) for t in run.front()]
    assert learnt.designs == list({space.replay(d).key(): d for d in near}.values())


def test_a_long_front_is_thinned_evenly(tmp_path: Path) -> None:
    run = empty_run(tmp_path / "old")
    for i in range(40):
        made = trial(run, i)
        run.append(trial(run, i, metrics=made.metrics | {"accuracy": i / 40, "latency": 1.0 + i}))
    learnt = learn_from(run)
    assert len(learnt.designs) == MOST
    assert [learnt.designs[0], learnt.designs[-1]] == [run.trials[0].decisions, run.trials[-1].decisions]


def test_what_breaks_this_searchs_limits_is_not_taken_over(tmp_path: Path) -> None:
    run = finished_run(tmp_path / "old", complete=20)
    limit = sorted(t.metrics["params"] for t in run.results)[10]
    learnt = learn_from(run, maximum={"params": limit})
    assert [t.key for t in learnt.trials] == [t.key for t in run.results if t.metrics["params"] <= limit]
    assert 11 <= len(learnt.trials) < 20


def test_several_runs_teach_together(tmp_path: Path) -> None:
    runs = [finished_run(tmp_path / name, complete=count) for name, count in (("a", 5), ("b", 8))]
    learnt = learn(runs, make_config({}), load_space(SPACE), "cpu")
    assert [t.number for t in learnt.trials] == list(range(8)), "b has the five of a, and three more"
    assert [t.learnt_from.run for t in learnt.trials] == ["a"] * 5 + ["b"] * 3
    assert learnt.designs[: len(runs[0].front())] == [r.trial.decisions for r in runs[0].front()]
    assert len(learnt.notes) == 2


def test_a_run_that_cannot_teach_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"old has no finished trial to learn from"):
        learn_from(finished_run(tmp_path / "old", complete=0))
    run = empty_run(tmp_path / "older", objectives=("accuracy", "macs"))
    run.append(trial(run, 0, metrics={"accuracy": 0.5, "macs": 1.0, "params": 2.0}))
    with pytest.raises(SettingError, match=r"older never measured latency, .*; it has accuracy, macs, params"):
        learn_from(run)


@pytest.mark.parametrize("sampler", ["tpe", "nsga2"])
def test_a_warm_search_begins_with_the_old_front_and_knows_the_old_values(
    tiny: Path, tmp_path: Path, sampler: str
) -> None:
    old = search(tiny, budget=6, name="old", runs=tmp_path, sampler=sampler, **SETTINGS)
    new = search(tiny, budget=5, name="new", runs=tmp_path, sampler=sampler, warm_start=("old",), seed=1, **SETTINGS)
    assert [t.key for t in new.trials][: len(old.front())] == [t.key for t in old.front()][:5]
    assert len(new.spent) == 5, "what was learnt costs no budget"
    assert new.trials[0].number == 6, "the study's first numbers are those of what was learnt"
    study = new.study()
    complete = optuna.trial.TrialState.COMPLETE
    assert [t.values for t in study.trials[:6]] == [[t.metrics["accuracy"], t.metrics["params"]] for t in old.results]
    assert all(t.state == complete and t.user_attrs["learnt_from"]["run"] == "old" for t in study.trials[:6])
    assert {t.number: t.params for t in study.trials[6:] if t.state == complete} == {
        r.number: r.trial.decisions for r in new.results
    }


@pytest.mark.long
def test_a_warm_search_resumes_without_the_old_run(tiny: Path, tmp_path: Path) -> None:
    def stop(job: Job, run: Run) -> None:
        if len(run.trials) == 7:
            raise KeyboardInterrupt

    settings = SETTINGS | {"budget": 10, "warm_start": ("old",)}
    old = search(tiny, budget=11, name="old", runs=tmp_path, sampler="random", **SETTINGS)
    assert len(old.front()) < 7, "the sampler itself must be seen to go on"
    whole = search(tiny, name="whole", runs=tmp_path, **settings)
    with pytest.raises(KeyboardInterrupt):
        search(tiny, name="cut", runs=tmp_path, watcher=Watcher(began=stop), **settings)
    shutil.rmtree(tmp_path / "old")
    cut = resume(tmp_path / "cut")
    assert [(t.number, t.key, t.metrics) for t in cut.trials] == [(t.number, t.key, t.metrics) for t in whole.trials]
    assert len(cut.results) == 10


def test_what_was_learnt_is_missed(tmp_path: Path) -> None:
    run = empty_run(tmp_path / "new", warm_start=("old",))
    with pytest.raises(RunError, match=r"warm_start\.json: missing or damaged"):
        run.study()
    (tmp_path / "new" / "warm_start.json").write_text(json.dumps({"trials": 3}))
    with pytest.raises(RunError, match=r"warm_start\.json: missing or damaged"):
        Run(tmp_path / "new").study()


def test_the_command_says_what_was_learnt(tiny: Path, tmp_path: Path, nas: Command) -> None:
    words = ["--data", "digits", "--subset", 32, "--objectives", "accuracy,params", "--runs", tmp_path]
    assert nas("search", "--space", tiny, *words, "--budget", 3, "--name", "old").status == 0
    new = nas("search", "--space", tiny, *words, "--budget", 2, "--name", "new", "--warm-start", "old")
    assert new.status == 0, new.err
    assert "learnt from old: " in new.out
    unknown = nas("search", "--space", tiny, *words, "--warm-start", "odl")
    assert unknown.status == 2
    assert "no run 'odl'. Did you mean 'old'" in unknown.err
    words[words.index("accuracy,params")] = "accuracy,latency"
    refused = nas("search", "--space", tiny, *words, "--name", "third", "--warm-start", "old")
    assert refused.status == 2
    assert "never measured latency" in refused.err
    assert not (tmp_path / "third").exists()


def test_values_of_other_images_in_a_file_of_the_same_name_are_not_taken_over(tmp_path: Path) -> None:
    """Classes and counts may be equal where the pixels are not."""
    run, was = finished_run(tmp_path / "old"), fingerprint(load("digits"))
    run.seal = run.seal | {"data": was}
    for data, said in ((was, ""), (was | {"pixels": "others"}, "was another: its images have other pixels")):
        learnt = learn([run], make_config({}), load_space(SPACE), "cpu", data)
        assert bool(learnt.trials) == (not said)
        assert said in learnt.notes[0]


def test_the_same_images_by_another_path_give_their_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = finished_run(tmp_path / "old", data="image_folder:photos")
    monkeypatch.chdir(tmp_path)
    assert learn_from(run, data=f"image_folder:{tmp_path}/photos").trials
    assert not learn_from(run, data=f"image_folder:{tmp_path}/others").trials
