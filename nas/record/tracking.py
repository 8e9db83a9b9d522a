"""Following a search or a training in trackers, each in a thread of its own, so that none delays or ends anything."""

from collections.abc import Callable, Iterable, Sequence
from math import isfinite
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Thread
from typing import NamedTuple

from nas.errors import SettingError, in_one_line
from nas.record.trackers import End, Subject, Tracker, Values
from nas.registry import TRACKERS

Point = tuple[int, Values]
"""A step, and its values."""


class Last(NamedTuple):
    """The end of what is followed, with the files to keep."""

    ending: End
    files: Sequence[Path]


PATIENCE: dict[End, float] = {"finished": 30.0, "interrupted": 15.0, "failed": 15.0}
"""Seconds to wait for a tracker at the end."""
START = 15.0
"""Seconds to wait for one at the beginning, as making a new store takes the processor from networks that are timed."""


def check_trackers(names: Iterable[str]) -> None:
    """Raise SettingError for a tracker that is not installed."""
    for name in names:
        with TRACKERS.telling(name, "missing()"):
            why = TRACKERS.get(name).missing()
        if why:
            raise SettingError(f"--log {name}: {why}")


class Tracking:
    """Trackers that follow one thing. What goes wrong with one is said once to `warned`, and harms nothing."""

    def __init__(self, names: Iterable[str], subject: Subject, warned: Callable[[str], None]) -> None:
        self.followers = [_Follower(name, subject) for name in names]
        self.warned = warned
        for follower in self.followers:
            follower.begun.wait(START)

    def note(self, step: int, values: Values) -> None:
        """Hand on the values of a step, unless a tracker has that step already."""
        kept = {name: float(value) for name, value in values.items() if isfinite(value)}
        for follower in self.followers:
            follower.queue.put((step, kept))
        self._warn()

    def end(self, ending: End, files: Sequence[Path]) -> None:
        """Tell the end, and wait a little until all is taken."""
        present = [path for path in files if path.exists()]
        for follower in self.followers:
            follower.queue.put(Last(ending, present))
        for follower in self.followers:
            if follower.thread.is_alive():
                follower.thread.join(PATIENCE[ending])
            if follower.thread.is_alive():
                follower.failure = f"has not taken all of it within {PATIENCE[ending]:g} s"
        self._warn()

    def _warn(self) -> None:
        for follower in self.followers:
            if follower.failure and not follower.told:
                follower.told = True
                self.warned(f"--log {follower.name}: {follower.failure}. All goes on without it")


class _Follower:
    """A tracker with its thread, and the queue of what it is still to take."""

    def __init__(self, name: str, subject: Subject) -> None:
        self.name, self.subject = name, subject
        self.queue: SimpleQueue[Point | Last] = SimpleQueue()
        self.begun, self.failure, self.told = Event(), "", False
        self.thread = Thread(target=self._safely, args=(self._follow,), name=f"nas-{name}", daemon=True)
        self._safely(self._make)  # libraries are imported before networks are timed
        if not self.failure:
            self.thread.start()

    def _make(self) -> None:
        self.tracker: Tracker = TRACKERS.get(self.name)()

    def _follow(self) -> None:
        last = self.tracker.begin(self.subject)
        self.begun.set()
        while not isinstance(item := self.queue.get(), Last):
            step, values = item
            if step > last:
                self.tracker.note(step, values)
                last = step
        self.tracker.end(item.ending, item.files)

    def _safely(self, do: Callable[[], None]) -> None:
        try:
            do()
        except Exception as error:
            self.failure = in_one_line(error)
            self.begun.set()
