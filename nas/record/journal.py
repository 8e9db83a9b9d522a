"""The record on disk: finished trials, further trainings, and notes of trials that began.

Each is a line of JSON in the run's folder, finished ones on disk before the next trial begins. Only a search writes
them; a kill may tear the last one.
"""

import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import TypeVar

from nas import files
from nas.errors import RunError
from nas.network.options import Scalar
from nas.record.trial import Confirmation, Trial, confirmation_line, read_confirmation, read_trial, trial_line
from nas.space.space import Decisions

Line = TypeVar("Line")
RECORD, CONFIRMATIONS, BEGUN = "trials.jsonl", "confirmations.jsonl", "begun.jsonl"
DAMAGED = "the record was changed by hand or the disk failed: restore the line, or take it out"


def read_trials(folder: Path, objectives: Iterable[str]) -> Iterator[Trial]:
    """Every finished trial, without a torn last line. Raises RunError that names a damaged line."""
    path = folder / RECORD
    numbers: set[int] = set()
    for i, trial in _read(path, read_trial, "a trial"):
        if trial.number in numbers:
            raise RunError(f"{path}:{i}: trial {trial.number} stands there twice; {DAMAGED}")
        missing = set(objectives) - set(trial.metrics)
        if trial.state == "complete" and missing:
            raise RunError(f"{path}:{i}: trial {trial.number} has no {min(missing)}; {DAMAGED}")
        numbers.add(trial.number)
        yield trial


def read_confirmations(folder: Path) -> Iterator[Confirmation]:
    """Every further training, without a torn last line. Raises RunError that names a damaged line."""
    for _, confirmation in _read(folder / CONFIRMATIONS, read_confirmation, "a further training"):
        yield confirmation


def _read(path: Path, read: Callable[[bytes], Line], noun: str) -> Iterator[tuple[int, Line]]:
    """The whole lines of a file, each with its number from 1."""
    lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    for i, line in enumerate(lines, 1):
        try:
            found = read(line)
        except (ValueError, TypeError):
            raise RunError(f"{path}:{i}: not {noun}; {DAMAGED}") from None
        yield i, found


def append_trial(folder: Path, trial: Trial) -> None:
    """Add a finished trial, on disk when this returns. Raises RunError when it cannot be written."""
    _append(folder / RECORD, trial_line(trial), sync=True)


def append_confirmation(folder: Path, confirmation: Confirmation) -> None:
    """Add a further training, as `append_trial` does."""
    _append(folder / CONFIRMATIONS, confirmation_line(confirmation), sync=True)


def cut_torn_lines(folder: Path) -> None:
    """Cut off part of a line, left by a process that was killed while writing."""
    for path in (folder / RECORD, folder / CONFIRMATIONS):
        data = path.read_bytes() if path.exists() else b""
        whole = data[: data.rfind(b"\n") + 1]
        if len(whole) < len(data):
            os.truncate(path, len(whole))


def append_begun(folder: Path, decisions: Decisions) -> None:
    """Note a trial that starts. Raises RunError when it cannot be written."""
    _append(folder / BEGUN, json.dumps(decisions), sync=False)


def read_begun(folder: Path, finished: Iterable[Trial]) -> list[Decisions]:
    """The trials that began and never finished, in order, each once. Forgets those that finished."""
    path = folder / BEGUN
    if not path.exists():
        return []
    begun: dict[frozenset[tuple[str, Scalar]], Decisions] = {}
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            decisions = dict(json.loads(line))
            begun[frozenset(decisions.items())] = decisions
        except (ValueError, TypeError):
            continue  # torn by a kill: that trial had not begun
    for trial in finished:
        begun.pop(frozenset(trial.decisions.items()), None)
    with writing(path):
        files.write(path, "".join(json.dumps(decisions) + "\n" for decisions in begun.values()))
    return list(begun.values())


def _append(path: Path, line: str, *, sync: bool) -> None:
    with writing(path), path.open("ab", buffering=0) as file:  # closing the file would write a buffer again
        end = file.tell()
        try:
            _write_whole(file, line.encode() + b"\n")
            if sync:
                os.fsync(file.fileno())
        except OSError:
            os.truncate(path, end)  # a torn line must not be followed by a whole one
            raise


def _write_whole(file: FileIO, data: bytes) -> None:
    while data:
        data = data[file.write(data) :]


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Raise RunError, with the remedy, where the block cannot write `path`."""
    try:
        yield
    except OSError as error:
        remedy = f"free it and run: nas resume {path.parent}"
        raise RunError(f"{path}: cannot be written ({error.strerror}); {remedy}") from None
