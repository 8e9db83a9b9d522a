"""The two ends of a search: sources of jobs, and the watcher that is told of its progress."""

from collections.abc import Callable, Sized
from dataclasses import dataclass
from typing import Protocol

from nas.engine.executors import Placement
from nas.evaluation.job import Job, Outcome
from nas.record.run import Run
from nas.record.trial import Confirmation, Trial


class Source(Protocol):
    """Asks for jobs of one purpose and writes down what becomes of them; `running` are those not yet told."""

    @property
    def running(self) -> Sized: ...

    def ask(self) -> Job | None:
        """The next job, or None when there is none for now."""

    def tell(self, job: Job, outcome: Outcome) -> None:
        """Take the outcome of a job."""


@dataclass(frozen=True)
class Watcher:
    """Functions that a search calls: when a job begins, when a trial is on disk, or a further training of one.

    `calibrated` is called before the first trial, with the number of networks measured for predicting and that of all;
    `placed` when it is known where trials run; `warned` with a line of text when a search goes on in another
    environment than it began in.
    """

    placed: Callable[[Placement, Run], None] = lambda placement, run: None
    began: Callable[[Job, Run], None] = lambda job, run: None
    ended: Callable[[Trial, Run], None] = lambda trial, run: None
    confirmed: Callable[[Confirmation, Run], None] = lambda confirmation, run: None
    remeasured: Callable[[Job, Run], None] = lambda job, run: None
    calibrated: Callable[[int, int], None] = lambda done, of: None
    warned: Callable[[str], None] = lambda line: None
