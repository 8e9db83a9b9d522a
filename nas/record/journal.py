"""The record: one line a finished trial, on disk before the next one begins; the same of further trainings; and a note
of what was begun.

All are lines of JSON in the run's folder. Only a search writes them; a last line may be torn by a kill.
"""

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from io import FileIO
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter

from nas import document
from nas.errors import RunError
from nas.network.architecture import Architecture
from nas.space.library import load_architecture
from nas.space.space import Decisions

State = Literal["complete", "failed", "rejected", "pruned"]
RECORD = "trials.jsonl"
CONFIRMATIONS = "confirmations.jsonl"
BEGUN = "begun.jsonl"
WARM_START = "warm_start.json"
DAMAGED = "the record was changed by hand or the disk failed: restore the line, or take it out"


@dataclass(frozen=True)
class Trial:
    """One proposed architecture and what became of it.

    `metrics` holds the value of every objective that was measured, in the objective's unit; `details` what else was
    learnt (spread of the latency, device, losses by epoch); `seconds` the time each step took. A `rejected` trial
    broke a limit before training and costs no budget; a `pruned` one was stopped in its training, a `failed` one ended
    otherwise, and `reason` says why. `ended` is when it was written, in seconds of the search's own clock, which stands
    while no search runs.
    """

    number: int
    state: State
    decisions: Decisions
    architecture: dict[str, Any]
    key: str
    layout: str
    metrics: dict[str, float] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    reason: str = ""
    sampler: dict[str, Any] = field(default_factory=dict)
    ended: float = 0.0

    def load(self) -> Architecture:
        """The architecture, checked against the grammar."""
        return load_architecture(self.architecture)


@dataclass(frozen=True)
class Confirmation:
    """A further training of a trial's architecture, the `repeat`-th, with a seed of its own; fields as a trial's."""

    trial: int
    repeat: int
    state: Literal["complete", "failed"]
    metrics: dict[str, float] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    reason: str = ""
    ended: float = 0.0


@dataclass(frozen=True)
class Learnt:
    """What a run took over from earlier ones: designs to train first, and trials that only the sampler knows.

    These have the first numbers of the study; the run's own go on from there. `notes` says it in words.
    """

    designs: list[Decisions] = field(default_factory=list)
    trials: list[Trial] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


LEARNT = TypeAdapter(Learnt)
_TRIAL, _CONFIRMATION = TypeAdapter(Trial), TypeAdapter(Confirmation)


def read_trials(folder: Path, objectives: Iterable[str]) -> Iterator[Trial]:
    """Every finished trial; a torn last line is passed over. Raises RunError that names a damaged line."""
    path = folder / RECORD
    numbers: set[int] = set()
    for i, line in enumerate(_lines(path), 1):
        try:
            trial = _TRIAL.validate_json(line, strict=True)
        except ValueError:
            raise RunError(f"{path}:{i}: not a trial; {DAMAGED}") from None
        if trial.number in numbers:
            raise RunError(f"{path}:{i}: trial {trial.number} stands there twice; {DAMAGED}")
        missing = set(objectives) - set(trial.metrics)
        if trial.state == "complete" and missing:
            raise RunError(f"{path}:{i}: trial {trial.number} has no {min(missing)}; {DAMAGED}")
        numbers.add(trial.number)
        yield trial


def read_confirmations(folder: Path) -> Iterator[Confirmation]:
    """Every further training; a torn last line is passed over. Raises RunError that names a damaged line."""
    path = folder / CONFIRMATIONS
    for i, line in enumerate(_lines(path), 1):
        try:
            yield _CONFIRMATION.validate_json(line, strict=True)
        except ValueError:
            raise RunError(f"{path}:{i}: not a further training; {DAMAGED}") from None


def _lines(path: Path) -> list[bytes]:
    return path.read_bytes().split(b"\n")[:-1] if path.exists() else []


def append_confirmation(folder: Path, confirmation: Confirmation) -> None:
    """Add a further training; as `append_trial`."""
    _append(folder / CONFIRMATIONS, json.dumps(asdict(confirmation), allow_nan=False), sync=True)


def append_trial(folder: Path, trial: Trial) -> None:
    """Add a finished trial; it is on disk when this returns. Raises RunError when it cannot be written."""
    _append(folder / RECORD, json.dumps(asdict(trial), allow_nan=False), sync=True)


def cut_torn_lines(folder: Path) -> None:
    """Take off what a process left of a line when it was killed as it wrote."""
    for path in (folder / RECORD, folder / CONFIRMATIONS):
        data = path.read_bytes() if path.exists() else b""
        whole = data[: data.rfind(b"\n") + 1]
        if len(whole) < len(data):
            os.truncate(path, len(whole))


def append_begun(folder: Path, decisions: Decisions) -> None:
    """Note a trial that starts. Raises RunError when it cannot be written."""
    _append(folder / BEGUN, json.dumps(decisions), sync=False)


def read_begun(folder: Path, finished: Iterable[Trial]) -> list[Decisions]:
    """The trials that were begun and never finished, in their order, each once; forgets those that were."""
    path = folder / BEGUN
    if not path.exists():
        return []
    begun: dict[frozenset[tuple[str, Any]], Decisions] = {}
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            decisions = dict(json.loads(line))
            begun[frozenset(decisions.items())] = decisions
        except (ValueError, TypeError):
            continue  # torn by a kill: that trial had not begun
    for trial in finished:
        begun.pop(frozenset(trial.decisions.items()), None)
    with writing(path):
        document.write(path, "".join(json.dumps(decisions) + "\n" for decisions in begun.values()))
    return list(begun.values())


def _append(path: Path, line: str, *, sync: bool) -> None:
    with writing(path), path.open("ab", buffering=0) as file:  # a buffer would be written at last by closing the file
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
