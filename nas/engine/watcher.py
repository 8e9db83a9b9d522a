"""Contracts of a search: the sources of its jobs, and the watcher that is told its progress."""

from collections.abc import Callable, Sized
from dataclasses import dataclass
from typing import Protocol

from nas.engine.executors import Placement
from nas.errors import SettingError, brief
from nas.evaluation.job import Job, Outcome
from nas.record.run import Run
from nas.record.trial import Further, Trial


class Source(Protocol):
    """Asks for jobs of one purpose and records their outcomes. `running` are those not yet told."""

    @property
    def running(self) -> Sized: ...

    def ask(self) -> Job | None:
        """Return the next job, or None when there is none for now."""

    def tell(self, job: Job, outcome: Outcome) -> None:
        """Take the outcome of a job."""


@dataclass(frozen=True)
class Watcher:
    """The functions that a search calls as it goes on.

    `timed` is called before the first trial, with the number of networks measured so far for the predictor and
    that of all; `placed` when it is known where trials run; `began` when a job begins; `ended`, `trained_further` and
    `remeasured` when a trial, a further training or new values of the front are on disk; `warned` with a line of text
    on what may be meant otherwise, or when a search goes on in another environment than it began in.
    """

    placed: Callable[[Placement, Run], None] = lambda placement, run: None
    began: Callable[[Job, Run], None] = lambda job, run: None
    ended: Callable[[Trial, Run], None] = lambda trial, run: None
    trained_further: Callable[[Further, Run], None] = lambda further, run: None
    remeasured: Callable[[Job, Run], None] = lambda job, run: None
    timed: Callable[[int, int], None] = lambda done, of: None
    warned: Callable[[str], None] = lambda line: None


def watcher_of(given: Watcher | None) -> Watcher:
    """Return a search's watcher, one that is told nothing for None. Raises SettingError for what is no watcher."""
    if not isinstance(given, Watcher | None):
        raise SettingError(f"watcher: found {brief(given)}; write a nas.Watcher of the functions to call: "
                           "nas.Watcher(ended=print)")  # fmt: skip
    return given or Watcher()
