"""Contracts of a search: the sources of its jobs, and the watcher that is told its progress."""

from collections.abc import Callable, Sized
from dataclasses import dataclass
from typing import Protocol, TypeVar

from nas.engine.executors import Placement
from nas.errors import SettingError, brief
from nas.evaluation.job import Job, Outcome
from nas.record.run import Run
from nas.record.trial import Further, Trial

Functions = TypeVar("Functions")


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
    return functions_of(given, Watcher(), "ended")


def functions_of(given: Functions | None, silent: Functions, one: str) -> Functions:
    """Return functions to call, or those that do nothing for None, of which `one` serves as the example.

    Raises SettingError for what is no such class, and for anything in it that cannot be called.
    """
    if given is None:
        return silent
    kind = type(silent).__name__
    if not isinstance(given, type(silent)):
        raise SettingError(f"{kind.lower()}: found {brief(given)}; write a nas.{kind} of the functions to call: "
                           f"nas.{kind}({one}=print)")  # fmt: skip
    for name, function in vars(given).items():
        if not callable(function):
            raise SettingError(f"{kind.lower()}: found {name}={brief(function)}; write a function to call: "
                               f"nas.{kind}({one}=print)")  # fmt: skip
    return given
