"""MLflow: a run in the user's store, or in one of its own."""

import json
import os
import shutil
from pathlib import Path

import pytest
from followed import client, histories

from nas.record.trackers import Subject
from nas.record.trackers.mlflow import MLflow


@pytest.fixture(autouse=True)
def _no_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def note(folder: Path, steps: range, settings: dict[str, str] | None = None) -> int:
    tracker = MLflow()
    last = tracker.begin(Subject(folder, "space", settings or {}))
    for step in steps:
        tracker.note(step, {"trial/accuracy": step / 4})
    tracker.end("finished", [folder / "best.yaml"])
    return last


def kept(folder: Path) -> tuple[str, str]:
    facts = json.loads((folder / "mlflow.json").read_text())
    return facts["store"], facts["run"]


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty store, which takes seconds to make."""
    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    client(f"sqlite:///{path}").get_experiment_by_name("none")
    return path


@pytest.fixture
def folder(tmp_path: Path, empty: Path) -> Path:
    folder = tmp_path / "a #1 run, 'ü'"
    folder.mkdir()
    (folder / "best.yaml").write_text("name: best\n")
    shutil.copy(empty, folder)
    return folder


def test_a_store_of_its_own_beside_the_record(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.parent)
    settings = {f"setting.{i}": "x" * 600 for i in range(150)}
    before = dict(os.environ)
    assert note(folder, range(1, 3), settings) == 0
    assert dict(os.environ) == before
    assert note(folder, range(3, 5), {"setting.0": "another"}) == 2
    store, run = f"sqlite:///{folder / 'mlflow.db'}", kept(folder)[1]
    assert histories(store, run)["trial/accuracy"] == [(1, 0.25), (2, 0.5), (3, 0.75), (4, 1.0)]
    found = client(store).get_run(run)
    assert (found.info.run_name, found.info.status) == (folder.name, "FINISHED")
    assert len(found.data.params) == 150
    assert client(store).get_experiment(found.info.experiment_id).name == "space"
    assert [one.path for one in client(store).list_artifacts(run)] == ["best.yaml"]
    assert {path.name for path in folder.parent.iterdir()} == {folder.name}


@pytest.mark.parametrize("name", ["moved", "a #1"])
def test_a_folder_that_was_moved_keeps_its_run(folder: Path, name: str) -> None:
    note(folder, range(1, 3))
    moved = folder.rename(folder.with_name(name))
    assert note(moved, range(3, 4)) == 2
    assert not folder.exists()


def test_the_users_store_is_taken(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = f"sqlite:///{folder.parent}/team.db"
    shutil.copy(folder / "mlflow.db", folder.parent / "other.db")
    (folder / "mlflow.db").rename(folder.parent / "team.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "ours")
    monkeypatch.chdir(folder.parent)
    assert note(folder, range(1, 3)) == 0
    assert "team.db" not in (folder / "mlflow.json").read_text(), "an address may hold a password"
    assert not (folder / "mlflow.db").exists()
    known = client(store)
    (found,) = known.search_runs([known.get_experiment_by_name("ours").experiment_id])
    assert found.data.metrics["trial/accuracy"] == 0.5
    known.delete_run(found.info.run_id)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder.parent}/other.db")
    assert note(folder, range(1, 3)) == 0  # another store begins from the first step
