"""The part of a page that only a search that still runs has: how far it is, and a script that loads the page anew."""

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from nas.evaluation.units import duration
from nas.record.analysis.failures import tally
from nas.record.folders import is_locked
from nas.record.run import Run

EVERY = 30  # seconds from one loading of the page to the next
LEAST, TIMES = 300.0, 3.0  # seconds; and in longest waits for a training: how long a page may go unwritten


@dataclass(frozen=True)
class Running:
    """What the page says of a search that runs.

    It was `written` at a time, and will be within `patience` seconds again, unless the search has ended unseen.
    """

    done: str
    written: datetime
    patience: float
    every: int = EVERY

    @classmethod
    def elsewhere(cls, run: Run) -> "Running | None":
        """Say how far a search is that another process drives, None where none does."""
        return cls.now(run) if is_locked(run.folder) else None

    @classmethod
    def now(cls, run: Run, between: float = 0.0) -> "Running":
        """Say how far a search is. `between` are the seconds that pass between two pages where trainings are short."""
        count, budget = tally(run), run.config.budget
        failed = f", {count.failed} failed" if count.failed else ""
        if budget.trials:
            done = f"{count.trained} of {budget.trials} architectures trained{failed}"
        else:
            trained = f"{count.trained} architecture{'' if count.trained == 1 else 's'} trained{failed}"
            comma = "," if failed else ""
            done = f"{trained}{comma} in {duration(run.elapsed)} of {duration(budget.seconds or 0)}"
        return cls(done, datetime.now().astimezone(), max(LEAST, TIMES * (longest_wait(run) + between)))


def longest_wait(run: Run) -> float:
    """Return the longest time in seconds in which no training of a run ended."""
    ends = sorted([0.0, *(one.ended for one in run.trainings)])
    return max((later - earlier for earlier, later in pairwise(ends)), default=0.0)
