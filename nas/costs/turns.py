"""Turns, which stop the other workers of a machine while one measures latency.

A network timed beside a training looks slower than it is. So every worker locks the *room*, shared while it works and
exclusively while it measures. To measure, it also locks the *door*, where the others wait at their next training step.
Who has waited there too long, for one that may hang, goes on in the *hall* and leaves a mark in its file, so that one
that measures finds out. All are file locks, which the system frees when a worker dies.
"""

import fcntl
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

PATIENCE = 20.0  # seconds to wait for neighbours, one of which may hang
Turn = Literal["alone", "exclusive", "shared"]
"""The company of a measurement: no neighbours, waiting neighbours, or one that did not give way or wait so long."""


class Turns:
    """The turns of all workers that share `resource`, such as `cpu` or `gpu-0`.

    A worker without one is alone. `patience` is in seconds.
    """

    def __init__(self, resource: str | None = None, patience: float = PATIENCE) -> None:
        self.patience = patience
        self.files = tuple(_open(f"{resource}.{part}") for part in ("door", "room", "hall")) if resource else None

    @contextmanager
    def working(self) -> Iterator[None]:
        """Hold the room with others, after waiting for one that measures."""
        self._enter()
        try:
            yield
        finally:
            self._leave()

    def give_way(self, settle: Callable[[], None] = lambda: None) -> None:
        """Wait between two steps of work while a neighbour measures, after `settle` has ended work under way."""
        if self.files and not _lock(self.files[0], fcntl.LOCK_SH, 0):
            settle()
            self._leave()
            self._enter()
        elif self.files:
            fcntl.flock(self.files[0], fcntl.LOCK_UN)

    @contextmanager
    def measuring(self) -> Iterator[Callable[[], Turn]]:
        """Hold the room alone, from within `working`, and yield what tells the company until then."""
        if not self.files:
            yield lambda: "alone"
            return
        door, _, hall = self.files
        self._leave()
        try:
            alone = all(_lock(file, fcntl.LOCK_EX, self.patience) for file in self.files)
            marks = os.fstat(hall).st_size
            fcntl.flock(hall, fcntl.LOCK_UN)
            if not alone:
                self._go_on(hall)
            yield lambda: "exclusive" if alone and os.fstat(hall).st_size == marks else "shared"
        finally:
            self._leave()
            fcntl.flock(door, fcntl.LOCK_UN)
            self._enter()

    def _enter(self) -> None:
        if self.files:
            door, room, hall = self.files
            _lock(door, fcntl.LOCK_SH, self.patience)
            if not _lock(room, fcntl.LOCK_SH, self.patience):
                self._go_on(hall)
            fcntl.flock(door, fcntl.LOCK_UN)

    def _go_on(self, hall: int) -> None:
        """Hold the hall, and leave a mark for one that measures already."""
        _lock(hall, fcntl.LOCK_SH, self.patience)
        os.write(hall, b".")

    def _leave(self) -> None:
        if self.files:
            for file in self.files[1:]:
                fcntl.flock(file, fcntl.LOCK_UN)


def _open(name: str) -> int:
    path = Path(tempfile.gettempdir()) / f"nas-{os.getuid()}-{name}"
    return os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def _lock(file: int, how: int, patience: float) -> bool:
    """Lock within `patience` seconds, or return False.

    A file lock has no time limit, so it is tried again, ever less often to disturb nothing.
    """
    end, pause = time.monotonic() + patience, 1e-3
    while True:
        try:
            fcntl.flock(file, how | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= end:
                return False
            time.sleep(pause)
            pause = min(2 * pause, 0.05)
        else:
            return True
