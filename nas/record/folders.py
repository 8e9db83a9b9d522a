"""Name and check the folder of a new run, lock it, and find an old run by its name or path."""

import fcntl
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import filelock

from nas.errors import RunError, SettingError
from nas.files import quoted, readable, unwritable
from nas.record.seal import SEAL
from nas.registry import suggest
from nas.settings import text_of
from nas.space.library import shipped

LONGEST = 200  # bytes of a run's name, as a file in its folder may have a longer one
ANOTHER = "choose another folder with --runs"
PATIENCE = 0.1  # seconds; `is_locked` holds a lock for a moment
CONFIG, SPACE, PICKED = "config.yaml", "space.yaml", "best.yaml"
"""Files in the folder of a search: its settings, its space, the network for which it stands."""
TRAINING, NETWORK, SUMMARY, VERDICT = "training.yaml", "architecture.yaml", "summary.csv", "verdict.json"
"""Files in that of a full training: its settings, its network, a line an epoch, what it ends with."""
REPORT, CALIBRATION = "report.html", "calibration.html"
"""The page of either, and that with which a calibration ends."""
ELSEWHERE = {".onnx", ".pt2", ".py"}
"""The suffixes of exported files from which no network is built here."""


def check_new(folder: Path) -> None:
    """Raise SettingError when a new run's folder exists, cannot be made or has no proper name."""
    if folder.name in ("", ".."):
        raise SettingError(f"{folder} names no folder; take another --name")
    try:
        str(folder).encode()
    except UnicodeEncodeError:  # files of weights, for one, cannot be opened there
        raise SettingError(f"{readable(str(folder))}: the path of a run must be UTF-8, and this holds other bytes; "
                           "take another --name or --runs") from None  # fmt: skip
    if os.path.lexists(folder):
        raise exists(folder)
    above = next(parent for parent in folder.absolute().parents if os.path.lexists(parent))
    if not above.is_dir():
        raise SettingError(f"{folder}: cannot be written ({above} is not a folder); {ANOTHER}")
    if not os.access(above, os.W_OK | os.X_OK):
        raise SettingError(f"{folder}: cannot be written ({above} is closed to you); {ANOTHER}")


def new_folder(runs: Path, name: str | None, what: str) -> Path:
    """Return the folder of a new run: the one named, or one named after what it is about and the time.

    Of two runs begun in one second the later gets a number, too. Raises SettingError where it cannot be made.
    """
    plain = re.sub(r"[^\w-]+", "-", what)
    stem = f"{plain}-{datetime.now():%Y%m%d-%H%M%S}"
    names = (
        (stem, *(f"{stem}-{number}" for number in range(2, 1000)))
        if name is None
        else (checked_name(text_of(name, "name")),)
    )
    folder = next((runs / free for free in names if not os.path.lexists(runs / free)), runs / names[0])
    check_new(folder)
    return folder


def name_of(folder: Path) -> str:
    """Return the name of a run's folder, also of one that a path such as `.` leads to."""
    return os.path.basename(os.path.abspath(folder))  # noqa: PTH100, PTH119  (links keep their names)


def checked_name(name: str) -> str:
    """Return a run's name. Raises SettingError unless it is that of one folder."""
    count, size = len(name), len(name.encode(errors="replace"))
    if count > 100 or size > LONGEST:
        raise SettingError(f"name: found '{name[:20]}...' of {count} characters and {size} bytes; write at most 100 "
                           f"characters and {LONGEST} bytes")  # fmt: skip
    if name in shipped() or Path(name).suffix in (*ELSEWHERE, ".safetensors"):
        raise SettingError(f"name: found '{name}', which is taken for a published network, a space or a network's "
                           "file wherever a run may be named; write another")  # fmt: skip
    if re.fullmatch(r"[^/\\\x00-\x1f\x7f]+", name) and name not in (".", ".."):
        return name
    raise SettingError(f"name: found {name!a}; a run's name is that of one folder, without slashes and control "
                       "characters. Write the folder that holds the runs with --runs")  # fmt: skip


@contextmanager
def locked(folder: Path, doing: str = "searching") -> Iterator[None]:
    """Hold a run's folder alone within the block. Raises RunError when another process is at work there."""
    lock = filelock.FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=PATIENCE)
    except filelock.Timeout:
        raise RunError(f"{folder}: another process is {doing} there; wait for it or end it") from None
    except OSError as error:
        raise RunError(f"{folder}: cannot be written ({error.strerror})") from None
    try:
        yield
    finally:
        lock.release()


def is_locked(folder: Path) -> bool:
    """Tell whether a process is at work in a run's folder, which may be somebody else's."""
    try:
        file = os.open(folder / ".lock", os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # a file system without locks
        return False
    finally:
        os.close(file)  # gives the lock back
    return False


def exists(folder: Path) -> SettingError:
    """The error for a folder that exists already."""
    if is_run(folder):
        return SettingError(
            f"the run {folder} exists already; take another --name, or continue it with: nas resume {quoted(folder)}"
        )
    if is_trained(folder):
        again = f"nas train {quoted(folder)} --resume"
        return SettingError(f"the training {folder} exists already; take another --name, or go on with it: {again}")
    return SettingError(f"{folder} exists already and is not a run; take another --name")


@contextmanager
def making_home(folder: Path) -> Iterator[None]:
    """Make the folder of a new run or training, to be filled within the block, and remove it when that fails.

    Raises SettingError when it exists or cannot be written, RunError for a full disk.
    """
    check_new(folder)
    try:
        folder.mkdir(parents=True)
        yield
    except FileExistsError:
        raise exists(folder) from None
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise unwritable(folder, error, ANOTHER) from None


def is_run(folder: Path) -> bool:
    """Tell whether a folder is one that a search made."""
    return os.path.isfile(folder / CONFIG)  # noqa: PTH113  (pathlib raises for names that are too long)


def is_trained(folder: Path) -> bool:
    """Tell whether a folder is one that `nas train` made."""
    return os.path.isfile(folder / TRAINING)  # noqa: PTH113  (pathlib raises for names that are too long)


def no_run(folder: Path) -> SettingError:
    """The error for a folder that is no run, or was one."""
    near = Path("runs") / folder
    instead = f"; {near} is one" if is_run(near) else ""
    return SettingError(f"{folder} is not a run (it has no {CONFIG}{_lost(folder, SPACE)}){instead}")


def no_training(folder: Path) -> SettingError:
    """The error for a folder that is no training, or was one."""
    return SettingError(f"{folder} is not a training (it has no {TRAINING}{_lost(folder, NETWORK)})")


def untrained(folder: Path | str) -> SettingError:
    """The error for a search where a trained network is needed."""
    return SettingError(f"{folder}: a search, which keeps no weights; train its best network first: "
                        f"nas train {quoted(folder)}")  # fmt: skip


def damaged(file: Path) -> RunError:
    """The error for a file of a run that cannot be understood, and that is made anew where it is gone."""
    return RunError(f"{file}: damaged; restore it, or delete it")


def _lost(folder: Path, other: str) -> str:
    """Say how to mend a folder that has the `other` file but lost that of its settings, or return an empty text."""
    sealed = all(os.path.isfile(folder / name) for name in (SEAL, other))  # noqa: PTH113  (as above)
    return f" any more: put it back; {SEAL} has its contents" if sealed else ""


def in_a_line(home: object, told: Callable[[], str]) -> str:
    """Write the object of a run's folder as a notebook shows it, with what is told of it where that can be read."""
    named = f"{type(home).__name__}({vars(home).get('folder')}"
    try:
        return f"{named}: {told()})"
    except Exception:  # a repr must not raise: files may be gone, or the object half made
        return f"{named})"


def find_trained(name: str | Path, runs: Path = Path("runs")) -> Path:
    """Find a training's folder by its name or path. Raises SettingError, with the nearest name."""
    for folder in (Path(name), runs / name):
        if is_trained(folder):
            return folder
        if is_run(folder):
            raise SettingError(f"{folder} is a search; name a training here. nas show shows a search, and nas resume "
                               f"{quoted(folder)} goes on with it")  # fmt: skip
        if _lost(folder, NETWORK):
            raise no_training(folder)
    raise SettingError(f"no training '{name}'. {suggest(str(name), named_in(runs, TRAINING))}")


def find_run(name: str | Path, runs: Path = Path("runs"), trained: bool = False) -> Path:
    """Find a run's folder by its name or path.

    Raises SettingError, with the nearest name, also of trainings where one that is `trained` would do.
    """
    for folder in (Path(name), runs / name):
        if is_run(folder):
            return folder
        if is_trained(folder):
            ended = (folder / VERDICT).exists()
            more = "" if ended else f", and nas train {quoted(folder)} --resume goes on with it"
            raise SettingError(f"{folder} is a {'finished ' if ended else ''}training; name a search here. nas show "
                               f"shows a training{more}")  # fmt: skip
        if _lost(folder, SPACE):
            raise no_run(folder)
    names = [*named_in(runs, CONFIG), *(named_in(runs, TRAINING) if trained else ())]
    raise SettingError(f"no run '{name}'. {suggest(str(name), names)}")


def named_in(runs: Path, file: str) -> list[str]:
    """List the folders in `runs` that hold a file, none where it cannot be read."""
    try:
        return [path.parent.name for path in sorted(runs.glob(f"*/{file}"))]
    except OSError:
        return []
