"""Hand a search's jobs to distant workers, take their outcomes, and hand out again the jobs that were lost."""

from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import replace

from nas.engine.executors import Ask, Tell
from nas.errors import RunError
from nas.evaluation.job import Job, Outcome

RETRIES = 3  # of a trial that was lost to its machine
PATIENCE = 20  # workers lost in a row, with no trial finished between them, before the search gives up


class Dispatcher:
    """The jobs that are out, each under the tag that it was fetched with.

    `most` of them are out at once (None: as many as are fetched). An error of `ask` or `tell` ends the search and is
    kept in `failure` for the executor.
    """

    def __init__(self, ask: Ask, tell: Tell, most: int | None) -> None:
        self._ask, self._tell, self._most = ask, tell, most
        self._out: dict[str, tuple[Job, int]] = {}  # each with the losses in a row when it was handed out
        self._waiting: deque[Job] = deque()
        self._reasons: dict[tuple[object, ...], list[str]] = defaultdict(list)
        self._in_a_row = 0
        self._looked = False
        self.over = False
        self.failure: Exception | None = None

    def fetch(self, tag: str) -> Job | None:
        """Return a job to run now, or None when there is none yet or, if `over` is set, ever again."""
        if self.over or len(self._out) == self._most:
            return None
        self._looked = False
        job = self._waiting.popleft() if self._waiting else self._asked(self._ask)
        if job is not None:
            self._out[tag] = job, self._in_a_row
        elif not self._out:  # a job that is out may yet be rejected, which costs no budget
            self.over = True
        return job

    def look_ahead(self, running: int) -> None:
        """Have the next job chosen while all workers are `running` one, so that the first to be free need not wait.

        That is once between two outcomes. A single worker is given each job when the one before is told, so that
        a search repeats exactly.
        """
        if running == self._most and running > 1 and not self.over and not self._looked:
            self._looked = True
            self._asked(self._ask.ahead)

    def finish(self, tag: str, outcome: Outcome) -> None:
        """Tell the outcome of a job, unless it is no longer out, as after an interruption."""
        if tag not in self._out:
            return
        job, _ = self._out.pop(tag)
        self._looked = False
        self._in_a_row = 0
        reasons = self._reasons.pop(job.ticket, [])
        try:
            self._tell(job, replace(outcome, lost=tuple(reasons)))
        except Exception as error:
            self._fail(error)

    def lose(self, tag: str, reason: str) -> None:
        """Hand out again, up to three times, a job whose machine is gone."""
        if tag not in self._out:
            return
        job, losses = self._out.pop(tag)
        if losses == self._in_a_row:  # a machine takes all its workers along, which is one loss
            self._count_loss(reason)
        if self.over:
            return
        self._reasons[job.ticket].append(reason)
        if len(self._reasons[job.ticket]) <= RETRIES:
            self._waiting.append(job)
            return
        self._out[tag] = job, losses
        in_a_row = self._in_a_row
        self.finish(tag, Outcome("failed", reason=f"lost with its machine {RETRIES + 1} times: {reason}"))
        self._in_a_row = in_a_row

    def lose_all(self, reason: str) -> None:
        """Do as `lose` does for every job that is out, and count one loss where none is, lest it be for ever."""
        if not self._out:
            self._count_loss(reason)
        for tag in list(self._out):
            self.lose(tag, reason)

    def _count_loss(self, reason: str) -> None:
        self._in_a_row += 1
        if self._in_a_row >= PATIENCE:
            self._fail(RunError(f"{PATIENCE} workers in a row were lost before they finished a trial; {reason}"))

    def _asked(self, ask: Callable[[], Job | None]) -> Job | None:
        try:
            return ask()
        except Exception as error:
            self._fail(error)
            return None

    def _fail(self, error: Exception) -> None:
        self.failure, self.over = self.failure or error, True  # the first says why
