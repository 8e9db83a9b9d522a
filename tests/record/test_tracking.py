"""Trackers harm nothing, whatever they do."""

import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from nas.errors import SettingError
from nas.record import tracking
from nas.record.trackers import End, Subject, Tracker, Values
from nas.record.tracking import Tracking, check_trackers
from nas.registry import TRACKERS


class Notebook(Tracker):
    """Notes what it is told. `fails` is the method that fails, `last` the step that it has from before."""

    fails, last = "", 0
    told: list[object]
    open = threading.Event()

    def __init__(self) -> None:
        Notebook.told = []
        self.maybe("__init__")

    def maybe(self, method: str) -> None:
        if self.fails == method:
            raise RuntimeError(f"no {method}\nat all")

    def begin(self, subject: Subject) -> int:
        self.maybe("begin")
        self.told.append(subject.experiment)
        return self.last

    def note(self, step: int, values: Values) -> None:
        self.maybe("note")
        if self.fails == "never ends":
            self.open.wait(60)
        self.told.append((step, values))

    def end(self, ending: End, files: Sequence[Path]) -> None:
        self.maybe("end")
        self.told.append((ending, [path.name for path in files]))


@pytest.fixture(autouse=True)
def notebook(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Notebook]]:
    monkeypatch.setattr(tracking, "PATIENCE", {"finished": 0.5, "interrupted": 0.1, "failed": 0.1})
    TRACKERS.add("notebook", Notebook, "a file")
    yield Notebook
    TRACKERS.remove("notebook")
    Notebook.fails, Notebook.last = "", 0


def follow(folder: Path) -> list[str]:
    """Tell three steps and the end, and return the warnings."""
    said: list[str] = []
    told = Tracking(["notebook"], Subject(folder, "space", {}), said.append)
    for step in (1, 2, 3):
        told.note(step, {"value": step / 2, "none": float("nan")})
        time.sleep(0.02)
    told.end("finished", [folder / "there", folder / "missing"])
    return said


def test_a_tracker_is_told_what_it_lacks(tmp_path: Path, notebook: type[Notebook]) -> None:
    (tmp_path / "there").touch()
    assert follow(tmp_path) == []
    assert notebook.told == ["space", (1, {"value": 0.5}), (2, {"value": 1.0}), (3, {"value": 1.5}),
                             ("finished", ["there"])]  # fmt: skip
    notebook.last = 2
    follow(tmp_path)
    assert notebook.told[1:-1] == [(3, {"value": 1.5})]


@pytest.mark.parametrize("method", ["__init__", "begin", "note", "end"])
def test_one_that_fails_is_said_once(tmp_path: Path, notebook: type[Notebook], method: str) -> None:
    notebook.fails = method
    assert follow(tmp_path) == [f"--log notebook: RuntimeError: no {method}. All goes on without it"]


def test_one_that_hangs_is_not_waited_for(tmp_path: Path, notebook: type[Notebook]) -> None:
    notebook.fails = "never ends"
    start = time.monotonic()
    (said,) = follow(tmp_path)
    assert time.monotonic() - start < 5
    assert "has not taken all of it within 0.5 s" in said
    notebook.open.set()


@pytest.mark.parametrize("name", ["tensorboard", "mlflow"])
def test_what_is_not_installed_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    check_trackers([name])
    monkeypatch.setattr(f"nas.record.trackers.{name}.find_spec", lambda package: None)
    with pytest.raises(SettingError, match=rf"--log {name}: .* pip install 'hybrid-nas\[{name}\]'"):
        check_trackers([name])
