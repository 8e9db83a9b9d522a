"""The record on disk: finished trials, further trainings, and notes of trials that began.

Each is a line of JSON in the run's folder, finished ones on disk before the next trial begins. Only a search writes
them; a kill may tear the last one. What parses is a line, whatever an editor or a copy did to the file's line ends; one
that appears twice counts once.
"""

import json
import os
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from io import FileIO
from itertools import chain
from math import isfinite, nan
from pathlib import Path
from typing import TypeVar

from nas import files
from nas.errors import RunError
from nas.evaluation.job import Outcome
from nas.network.options import Scalar
from nas.record.trial import Further, Glance, Trial, further_line, further_of, glance, read_trial, trial_line
from nas.space.space import Decisions

Line = TypeVar("Line")
RECORD, FURTHER, BEGUN = "trials.jsonl", "further.jsonl", "begun.jsonl"
EARLIER = "confirmations.jsonl"  # where earlier versions wrote further trainings
TABLE = "trials.csv"
ENDS = (b"\n", b"\r")
ENOUGH = 2**20  # bytes of a table, to hold its heads and a row
DAMAGED = "the record was changed by hand or the disk failed: restore the line, or take it out"


def read_trials(folder: Path, objectives: Iterable[str]) -> list[Trial]:
    """Every finished trial in the order of their ends, without a torn last line.

    Raises RunError that names a damaged line, and for a record without one of the trials that the run's table lists.
    """
    path = folder / RECORD
    found: dict[int, Trial] = {}
    for i, trial in _record(folder, read_trial):
        if found.setdefault(trial.number, trial) != trial:
            raise RunError(f"{path}:{i}: trial {trial.number} appears twice, with different values; {DAMAGED}")
        _check_values(trial.outcome, objectives, f"{path}:{i}: trial {trial.number}")
    return sorted(found.values(), key=lambda trial: trial.ended)


def read_further(folder: Path, trials: Iterable[Trial], trained: Iterable[str]) -> list[Further]:
    """Every further training of these trials as `read_trials` reads them. Raises RunError that names a damaged line.

    That is also one without a value of a `trained` objective. Further trainings of other trials are left out: a damaged
    line may have been taken out of the record.
    """
    found: dict[tuple[int, int, int], Further] = {}
    for path in (folder / EARLIER, folder / FURTHER):
        for i, one in _read(path, further_of, "a further training"):
            if found.setdefault((one.trial, one.repeat, one.rung), one) != one:
                what = f"further training {one.repeat} of trial {one.trial}"
                raise RunError(f"{path}:{i}: {what} appears twice, with different values; {DAMAGED}")
            _check_values(one.outcome, trained, f"{path}:{i}: further training of trial {one.trial}")
    numbers = {trial.number for trial in trials}
    return sorted((one for one in found.values() if one.trial in numbers), key=lambda further: further.ended)


def _check_values(outcome: Outcome, names: Iterable[str], what: str) -> None:
    """Raise RunError where a complete training has no finite value of an objective."""
    missing = [name for name in names if not isfinite(outcome.metrics.get(name, nan))]
    if outcome.state == "complete" and missing:
        raise RunError(f"{what} has no {min(missing)}; {DAMAGED}")


def skim(folder: Path) -> tuple[list[Glance], list[Glance]]:
    """Glance at every finished trial and its further trainings, in a tenth of the time that reading them takes.

    Raises RunError as `read_trials` does.
    """
    trials = _skimmed(_record(folder, glance))
    further = _skimmed(chain.from_iterable(_read(folder / name, glance, "a trial") for name in (EARLIER, FURTHER)))
    numbers = {one.number for one in trials}
    return trials, [one for one in further if one.number in numbers]


def _skimmed(found: Iterable[tuple[int, Glance]]) -> list[Glance]:
    return list({(one.number, one.repeat, one.rung): one for _, one in found}.values())


def _record(folder: Path, read: Callable[[bytes], Line]) -> list[tuple[int, Line]]:
    """The lines of finished trials. Raises RunError where there is none of those that the table lists."""
    listed = _is_listed(folder / TABLE)  # before the record, which a search writes first
    found = list(_read(folder / RECORD, read, "a trial"))
    if listed and not found:
        raise RunError(f"{folder / RECORD}: holds no trial, but {TABLE} lists some: put the record back, or delete "
                       f"{folder / TABLE} to train them again")  # fmt: skip
    return found


def _is_listed(table: Path) -> bool:
    """Tell whether a table has a row below its heads."""
    try:
        with table.open("rb") as file:
            return len(file.read(ENOUGH).strip().splitlines()) > 1
    except FileNotFoundError:
        return False
    except OSError as error:
        raise RunError(f"{table}: cannot be read ({error.strerror})") from None


def _read(path: Path, read: Callable[[bytes], Line], noun: str) -> Iterator[tuple[int, Line]]:
    """The lines of a file, each with its number from 1, without blank ones and a torn last one."""
    lines = _bytes(path).removeprefix(BOM_UTF8).splitlines(keepends=True)
    for i, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            found = read(line)
        except (ValueError, TypeError, RecursionError):
            if i == len(lines) and not line.endswith(ENDS):
                return
            raise RunError(f"{path}:{i}: not {noun}; {DAMAGED}") from None
        yield i, found


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes() if path.exists() else b""
    except OSError as error:
        raise RunError(f"{path}: cannot be read ({error.strerror})") from None


def append_trial(folder: Path, trial: Trial) -> None:
    """Add a finished trial, on disk when this returns. Raises RunError when it cannot be written."""
    _append(folder / RECORD, trial_line(trial), sync=True)


def append_further(folder: Path, further: Further) -> None:
    """Add a further training, as `append_trial` does."""
    _append(folder / FURTHER, further_line(further), sync=True)


def mend_ends(folder: Path) -> None:
    """End each file with a whole line: cut off what a process that was killed while writing left of one.

    A last line that lacks nothing but its end, as editors leave it, is kept. Raises RunError when it cannot be written.
    """
    for name, read in ((RECORD, read_trial), (EARLIER, further_of), (FURTHER, further_of)):
        path = folder / name
        data = _bytes(path)
        whole = max(map(data.rfind, ENDS)) + 1
        if whole == len(data):
            continue
        with recording(path):
            try:
                read(data[whole:].removeprefix(BOM_UTF8))
            except (ValueError, TypeError, RecursionError):
                os.truncate(path, whole)
                continue
            with path.open("ab") as file:
                file.write(b"\n")


def drop_orphans(folder: Path, numbers: Iterable[int]) -> None:
    """Take out further trainings of trials beyond these, whose lines were taken out: others will have their numbers."""
    last = max(numbers, default=-1)
    for path in (folder / EARLIER, folder / FURTHER):
        gone = {i for i, one in _read(path, glance, "a further training") if one.number > last}
        if gone:
            lines = enumerate(_bytes(path).splitlines(keepends=True), 1)
            with recording(path):
                files.write(path, b"".join(line for i, line in lines if i not in gone).decode())


def append_begun(folder: Path, decisions: Decisions) -> None:
    """Note a trial that was chosen. Raises RunError when it cannot be written."""
    _append(folder / BEGUN, json.dumps(decisions), sync=False)


def read_begun(folder: Path, finished: Iterable[Trial]) -> list[Decisions]:
    """The trials that were chosen and never finished, in order, each once. Forgets those that finished."""
    path = folder / BEGUN
    if not (data := _bytes(path)):
        return []
    begun: dict[frozenset[tuple[str, Scalar]], Decisions] = {}
    for line in data.decode(errors="replace").splitlines():
        try:
            decisions = dict(json.loads(line))
            begun[frozenset(decisions.items())] = decisions
        except (ValueError, TypeError, RecursionError):
            continue  # torn by a kill: that trial had not begun
    for trial in finished:
        begun.pop(frozenset(trial.decisions.items()), None)
    with recording(path):
        files.write(path, "".join(json.dumps(decisions) + "\n" for decisions in begun.values()))
    return list(begun.values())


def _append(path: Path, line: str, *, sync: bool) -> None:
    with recording(path), path.open("ab", buffering=0) as file:  # closing the file would write a buffer again
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
def recording(path: Path, remedy: str = "") -> Iterator[None]:
    """Raise RunError, with the remedy, where the block cannot write `path`."""
    try:
        yield
    except OSError as error:
        remedy = remedy or f"free it and run: nas resume {files.quoted(path.parent)}"
        raise RunError(f"{path}: cannot be written ({error.strerror}); {remedy}") from None
