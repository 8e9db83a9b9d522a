"""What trackers are told of searches and trainings, whole and gone on with."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from followed import client, curves, histories
from run_fixtures import empty_run, finished_run, trial
from small_searches import Stopped, search
from trained_fixtures import ended

import nas
from nas.engine.following import BOXED, followed, followed_training, front_summary, points
from nas.engine.watcher import Watcher
from nas.record.run import Run
from nas.record.trial import Further


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return finished_run(tmp_path / "run", complete=12, failed=1, rejected=2, log=("tensorboard",))


def test_every_training_is_a_step_and_none_is_doubled(run: Run) -> None:
    with followed(run, Watcher()):
        pass
    assert [step for step, _ in curves(run.folder)["trial/number"]] == [*range(1, 14)]
    with followed(run, Watcher()) as watcher:
        more = replace(trial(run, 20), ended=10.0)
        run.append(more)
        watcher.ended(more, run)
        refused = trial(run, 21, "rejected")
        run.append(refused)
        watcher.ended(refused, run)
        again = Further(3, 1, run.trials[3].outcome, 11.0)
        run.append_further(again)
        watcher.trained_further(again, run)
    found = curves(run.folder)
    assert [step for step, _ in found["trial/number"]] == [*range(1, 15)]
    assert [step for step, _ in found["further/trial"]] == [15]
    assert found["trial/latency"][-1] == (14, pytest.approx(more.metrics["latency"]))
    assert [step for step, _ in found["front/size"]] == [13, 14, 15]
    assert found["front/size"][-1][1] == len(run.front())
    assert found["best/accuracy"][-1][1] == pytest.approx(max(r.metrics["accuracy"] for r in run.front()))


def test_the_hypervolume_never_falls_and_has_one_measure(tmp_path: Path) -> None:
    run, told = empty_run(tmp_path / "a"), []
    for number in range(40):
        run.append(trial(run, number))
        told.append(front_summary(run).get("front/hypervolume"))
    assert told[: BOXED - 1] == [None] * (BOXED - 1)
    assert told[BOXED - 1 :] == sorted(told[BOXED - 1 :])
    assert 0 < told[BOXED] < told[-1]


def test_the_steps_are_those_of_the_record(run: Run) -> None:
    assert points(Run(run.folder)) == points(run)
    assert front_summary(empty_run(run.folder.with_name("empty"))) == {}


@pytest.mark.long
def test_a_search_that_goes_on_goes_on_in_mlflow(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = f"sqlite:///{tiny.parent}/team.db"
    monkeypatch.chdir(tiny.parent)  # where MLflow keeps the artifacts of such a store
    client(store).get_experiment_by_name("none")  # which makes the store
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    said: list[str] = []

    def stop(done: object, run: Run) -> None:
        if len(run.trials) == 2:
            raise Stopped

    with pytest.raises(Stopped):
        search(tiny, "a", 4, log="mlflow", watcher=Watcher(ended=stop, warned=said.append), confirm=1)
    folder = tiny.parent / "runs" / "a"
    key = json.loads((folder / "mlflow.json").read_text())["run"]
    assert client(store).get_run(key).info.status == "FAILED"
    run = nas.resume(folder, watcher=Watcher(warned=said.append))
    assert said == []
    found = client(store).get_run(key)
    assert (found.info.run_name, found.info.status) == ("a", "FINISHED")
    assert found.data.params["objectives"] == "accuracy, params"
    assert client(store).get_experiment(found.info.experiment_id).name == "tiny"
    assert {one.path for one in client(store).list_artifacts(key)} == {"best.yaml", "report.html"}
    steps = [*range(1, 5 + len(run.further))]
    assert [step for step, _ in histories(store, key)["step"]] == steps
    assert [value for _, value in histories(store, key)["trial/accuracy"]] == [
        trained.metrics["accuracy"] for trained in run.trials
    ]


def test_trackers_may_change_between_two_starts(tiny: Path) -> None:
    run = search(tiny, "a", 2, confirm=0)
    config = run.folder / "config.yaml"
    config.write_text(config.read_text().replace("log: []", "log: [tensorboard]"))
    nas.resume(run.folder, budget=3)
    assert [step for step, _ in curves(run.folder)["trial/number"]] == [1, 2, 3]


def test_a_training_has_a_step_an_epoch_and_its_verdict_at_the_end(tmp_path: Path) -> None:
    trained = ended(tmp_path / "training", epochs=4, log=("tensorboard",))
    for _ in range(2):
        with followed_training(trained, True, pytest.fail) as note:
            for epoch in trained.history:
                note(epoch)
    found = curves(trained.folder)
    assert found["validation/accuracy"] == [(e.number, pytest.approx(e.metrics["accuracy"])) for e in trained.history]
    assert found["test/accuracy"] == [(5, pytest.approx(trained.ending.verdict.metrics["accuracy"].value))]


def test_what_cannot_be_written_is_said_once(run: Run) -> None:
    (run.folder / "tensorboard").touch()
    said: list[str] = []
    with followed(run, Watcher(warned=said.append)) as watcher:
        for number in (20, 21):
            run.append(replace(trial(run, number), ended=float(number)))
            watcher.ended(run.trials[-1], run)
    (line,) = said
    assert "--log tensorboard: " in line
