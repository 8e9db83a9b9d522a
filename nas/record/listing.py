"""The runs and trainings of a folder at a glance, without the kinds that they use and without checking every value.

What was read of one is kept in the cache, and read again when its files change.
"""

import csv
import json
import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from statistics import mean, median
from typing import TYPE_CHECKING, Any, Literal

from nas import document, files
from nas.config import parse_budget
from nas.errors import NasError, SettingError
from nas.evaluation.catalogue import objective
from nas.files import Json
from nas.record import journal
from nas.record.environment import ENVIRONMENT, last_start, read_environment
from nas.record.folders import CALIBRATION, CONFIG, NETWORK, SUMMARY, TRAINING, VERDICT, is_locked, is_run, is_trained
from nas.record.seal import SEAL, read_seal
from nas.record.trial import Glance
from nas.settings import parse_names

if TYPE_CHECKING:
    from nas.record.run import Run

Kind = Literal["search", "calibration", "training"]
State = Literal["running", "finished", "stopped", "damaged"]
DECIDING = ("objectives", "rungs", "promotion", "confirm")  # that tell a calibration
READ = (CONFIG, TRAINING, SEAL, ENVIRONMENT, journal.RECORD, journal.FURTHER, journal.EARLIER, SUMMARY, VERDICT,
        CALIBRATION)  # fmt: skip
"""The files that an entry is read from."""
VERSION = 5  # of what a summary means


@dataclass(frozen=True)
class Summary:
    """What the files of a run say: `done` trainings of a search, epochs of a training, of so many, or of a time.

    `best` is the best value of the first objective on the highest rung, of a finished training the one on the test
    part. `started` is a time in ISO 8601. `reason` says what is damaged. An `exhausted` search ended for want
    of a further network of its space.
    """

    kind: Kind
    finished: bool = False
    done: int = 0
    of: int | None = None
    seconds: float = 0.0
    of_seconds: float | None = None
    objective: str = ""
    best: float | None = None
    started: str | None = None
    reason: str = ""
    exhausted: bool = False


@dataclass(frozen=True)
class Entry:
    """A run or training in a list: its folder, what its files say, and what is true of it now. `size` is in bytes."""

    folder: Path
    summary: Summary
    state: State
    began: float
    size: int

    def facts(self) -> Json:
        """Return the entry as plain data."""
        own = {"name": self.folder.name, "folder": str(self.folder), "state": self.state, "bytes": self.size}
        return own | {name: value for name, value in asdict(self.summary).items() if name != "finished"}


def entries(runs: Path) -> Iterator[Entry]:
    """Yield the runs and trainings in a folder, in no order. One that is damaged is an entry too.

    Raises SettingError where there is no folder.
    """
    try:
        folders = sorted(path for path in runs.iterdir() if path.is_dir())
    except OSError as error:
        raise SettingError(f"{runs}: no folder of runs here ({error.strerror}); name one, such as runs") from None
    for folder in folders:
        if is_run(folder) or is_trained(folder) or os.path.isfile(folder / SEAL):  # noqa: PTH113  (never raises)
            yield _entry(folder)


def _entry(folder: Path) -> Entry:
    stamp = _stamp(folder)
    key = {"folder": str(folder.resolve()), "fields": [*Summary.__dataclass_fields__], "version": VERSION}
    known = files.recall("listing", key)
    if known and known.get("stamp") == stamp:
        summary = Summary(**known["summary"])
    else:
        summary = _summary(folder)
        files.keep("listing", key, {"stamp": stamp, "summary": asdict(summary)})
    state: State = "damaged" if summary.reason else "finished" if summary.finished else "stopped"
    began = datetime.fromisoformat(summary.started).timestamp() if summary.started else folder.stat().st_mtime
    return Entry(folder, summary, "running" if is_locked(folder) else state, began, _size(folder))


def _stamp(folder: Path) -> list[list[int]]:
    """The sizes and times of the files that an entry is read from."""
    found: list[list[int]] = []
    for name in READ:
        try:
            stat = (folder / name).stat()
        except OSError:
            found.append([])
        else:
            found.append([stat.st_size, stat.st_mtime_ns])
    return found


def _size(folder: Path) -> int:
    """Add up the sizes of all files in a folder."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(place, name)).st_size  # noqa: PTH118  (quick)
            except OSError:
                continue  # removed meanwhile
    return total


def _summary(folder: Path) -> Summary:
    trained = is_trained(folder) or os.path.isfile(folder / NETWORK)  # noqa: PTH113  (never raises)
    kind: Kind = "training" if trained else "search"
    try:
        return _of_training(folder) if kind == "training" else _of_search(folder)
    except NasError as error:
        return Summary(kind, reason=str(error))
    except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError, csv.Error) as error:
        return Summary(kind, reason=f"{folder}: damaged ({type(error).__name__}: {error})")


def _of_search(folder: Path) -> Summary:
    settings, made = _settings(folder / CONFIG), read_environment(folder)
    trials, further = journal.skim(folder)
    name, budget = settings["objectives"][0], settings["budget"]
    budget = {"trials": None, "seconds": None} | budget
    done = sum(trial.outcome.state != "rejected" for trial in trials)
    ended = max((one.ended for one in (*trials, *further)), default=0.0)
    last = last_start(made)
    enough = done >= budget["trials"] if budget["trials"] else ended >= budget["seconds"]
    calibrates = _calibrates(read_seal(folder).get("settings") or settings)
    over = bool(last["finished"]) if "finished" in last else enough  # as runs of earlier versions do not say
    return Summary(
        "calibration" if calibrates else "search",
        over and ((folder / CALIBRATION).exists() or not calibrates),
        done,
        budget["trials"],
        ended,
        budget["seconds"],
        name,
        _best(trials, further, name),
        _started(made),
        exhausted=bool(over and last.get("exhausted")),
    )


def is_calibration(run: "Run") -> bool:
    """Tell whether a run is a calibration."""
    began = run.seal.get("settings")  # as `--confirm` may be another by now
    return _calibrates(began or run.config.model_dump(mode="json", include={*DECIDING}))


def has_calibrated(run: "Run") -> bool:
    """Tell whether a run is a calibration that came to its end, as its page is the last that it writes."""
    return (run.folder / CALIBRATION).exists() and is_calibration(run)


def _calibrates(settings: Json) -> bool:
    objectives, rungs = settings.get("objectives"), settings.get("rungs")
    climbs = isinstance(rungs, list) and len(rungs) > 1  # or every search of one length might be taken for one
    alone = isinstance(objectives, list) and objectives[1:] == ["macs"]
    return climbs and alone and (settings.get("promotion"), settings.get("confirm")) == (1, 1)


def _started(made: Json) -> str | None:
    """Return the time of the first start. Raises ValueError for one that is none."""
    started = made.get("started")
    return datetime.fromisoformat(started).isoformat() if started else None


def _settings(path: Path) -> Json:
    """Read settings, also as people type them. Raises SettingError where there are none."""
    found = document.read(path).value if path.exists() else None
    if not isinstance(found, dict):
        raise SettingError(f"{path}: holds no settings; restore it ({SEAL} has its contents), or begin anew")
    if isinstance(names := found.get("objectives"), str):
        found["objectives"] = [*parse_names(names, "")]
    if isinstance(budget := found.get("budget"), int | str):
        found["budget"] = dict(parse_budget(budget))
    return found


def _best(trials: list[Glance], further: list[Glance], name: str) -> float | None:
    """The best value of the networks on the highest rung.

    One that a training decides is the mean of the trainings from other seeds where there are such, another the median
    of all its readings.
    """
    values: dict[int, float] = {}
    again: defaultdict[int, list[float]] = defaultdict(list)
    readings: defaultdict[int, list[float]] = defaultdict(list)
    fell = {one.number for one in further if not one.repeat and not one.complete}
    top = max((one.rung for one in further if not one.repeat and one.number not in fell), default=0)
    for one in (*trials, *further):
        if not one.complete:
            if not one.repeat:
                values.pop(one.number, None)  # it failed when it went on
        elif (value := one.outcome.metrics.get(name)) is not None:
            readings[one.number].append(value)
            if one.repeat:
                again[one.number].append(value)
            elif one.rung == top:
                values[one.number] = value
    means = [mean(again[number] or [value]) for number, value in values.items()]
    return _best_of(name, means, [median(readings[number]) for number in values])


def _best_of(name: str, trained: list[float], measured: Sequence[float] = ()) -> float | None:
    """Return the best of the values of a kind of objective, None where there is none, or the kind is not known."""
    try:
        one = objective(name)
    except SettingError:  # from a plug-in file, which is not run for a list
        return None
    values = trained if one.trained else measured
    return (max if one.goal == "maximize" else min)(values) if values else None


def _of_training(folder: Path) -> Summary:
    settings, made = _settings(folder / TRAINING), read_environment(folder)
    name, recipe = settings["monitor"], settings["recipe"]
    text = (folder / SUMMARY).read_text(encoding="utf-8") if (folder / SUMMARY).exists() else ""
    rows: list[dict[str, Any]] = list(csv.DictReader(text.splitlines(), strict=True))
    best = _best_of(name, [float(row[name]) for row in rows if row[name]])
    finished = (folder / VERDICT).exists()
    if finished:
        verdict = json.loads((folder / VERDICT).read_text(encoding="utf-8"))["verdict"]
        best = verdict["metrics"][name]["value"]
    seconds = sum(float(row["seconds"]) for row in rows)
    epochs = None if settings["time"] else recipe["epochs"]
    return Summary("training", finished, len(rows), epochs, seconds, settings["time"], name, best, _started(made))
