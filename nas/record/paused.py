"""Trainings that wait to go on, on disk: a file of weights and optimizer state by trial and rung."""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from nas import files
from nas.record import journal

FOLDER = "paused"
ROOM = 2**31  # bytes that they may take together
SPARE = 0.1  # of the room, left free when trainings are deleted, so that it lasts for a while


def keep(run: Path, trial: int, rung: int, data: bytes) -> None:
    """Keep a trial's training as it stood on a rung. Raises RunError when it cannot be written."""
    path = _path(run, trial, rung)
    with journal.recording(run / FOLDER):
        path.parent.mkdir(exist_ok=True)
        with files.replacing(path) as file:
            file.write(data)


def load(run: Path, trial: int, rung: int) -> bytes | None:
    """Read a trial's training as it stood on a rung, or return None if it is not kept."""
    try:
        return _path(run, trial, rung).read_bytes()
    except OSError:
        return None


def drop(run: Path, trial: int, below: int) -> None:
    """Delete a trial's trainings that stood on a rung below this one."""
    for rung in range(below):
        with suppress(OSError):
            _path(run, trial, rung).unlink()


def size(run: Path) -> int:
    """Return the bytes that trainings which wait take together."""
    return sum(_sizes(run).values())


def trim(run: Path, order: Iterable[int]) -> None:
    """Delete trainings until the rest has `ROOM` and some to spare, those of the last trials in this order first."""
    sizes = _sizes(run)
    rank = {str(trial): place for place, trial in enumerate(order)}
    left = sum(sizes.values())
    for path in sorted(sizes, key=lambda path: -rank.get(path.stem.partition("-")[0], len(rank))):
        if left <= (1 - SPARE) * ROOM:
            return
        with suppress(OSError):
            path.unlink()
        left -= sizes[path]


def _sizes(run: Path) -> dict[Path, int]:
    return {path: path.stat().st_size for path in (run / FOLDER).glob("[0-9]*-[0-9]*.safetensors")}


def _path(run: Path, trial: int, rung: int) -> Path:
    return run / FOLDER / f"{trial}-{rung}.safetensors"
