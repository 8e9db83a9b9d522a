"""Between a search and its distant workers: hands jobs out, takes outcomes in, hands lost jobs out again."""

from collections import defaultdict, deque
from dataclasses import replace

from nas.engine.executors import Ask, Tell
from nas.errors import RunError
from nas.evaluation.job import Job, Outcome

RETRIES = 3  # of a trial that was lost to its machine
PATIENCE = 20  # losses in a row, with no trial finished between them, before the search gives up


class Desk:
    """Jobs by the slip under which they are out. What `ask` and `tell` raise is kept in `failure` for the executor.

    `most` jobs are out at once (None: as many as are fetched).
    """

    def __init__(self, ask: Ask, tell: Tell, most: int | None) -> None:
        self._ask, self._tell, self._most = ask, tell, most
        self._out: dict[str, Job] = {}
        self._again: deque[Job] = deque()
        self._losses: dict[tuple[str, int, int], list[str]] = defaultdict(list)
        self._in_a_row = 0
        self.over = False
        self.failure: Exception | None = None

    def fetch(self, slip: str) -> Job | None:
        """A job to run now. None: not now, or, when `over` is set, never again."""
        if self.over or len(self._out) == self._most:
            return None
        try:
            job = self._again.popleft() if self._again else self._ask()
        except Exception as error:
            self._fail(error)
            return None
        if job is None:
            self.over = not self._out  # one that is out may yet be rejected, which frees its place in the budget
        else:
            self._out[slip] = job
        return job

    def finish(self, slip: str, outcome: Outcome) -> None:
        """Take the outcome of a job in. A slip that is not out, as after an interruption, is passed over."""
        job = self._out.pop(slip, None)
        if job is None:
            return
        self._in_a_row = 0
        losses = self._losses.pop(job.ticket, [])
        try:
            self._tell(job, replace(outcome, lost=tuple(losses)))
        except Exception as error:
            self._fail(error)

    def lose(self, slip: str, reason: str) -> None:
        """A job's machine is gone: the job goes out again, up to three times."""
        job = self._out.pop(slip, None)
        if job is None:
            return
        self._in_a_row += 1
        if self._in_a_row >= PATIENCE:
            self._fail(RunError(f"{PATIENCE} workers in a row were lost before they finished a trial; {reason}"))
            return
        self._losses[job.ticket].append(reason)
        if len(self._losses[job.ticket]) <= RETRIES:
            self._again.append(job)
            return
        self._out[slip] = job
        in_a_row = self._in_a_row
        self.finish(slip, Outcome("failed", reason=f"lost with its machine {RETRIES + 1} times: {reason}"))
        self._in_a_row = in_a_row

    def lose_all(self, reason: str) -> None:
        """Every job that is out is lost."""
        for slip in list(self._out):
            self.lose(slip, reason)

    def _fail(self, error: Exception) -> None:
        self.failure, self.over = error, True
