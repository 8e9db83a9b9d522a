"""Ways of running trials, one executor a file.

An executor asks for jobs, has them evaluated and tells their outcomes, until there is nothing more to ask.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from nas.evaluation.job import Job, Outcome, Prepare

Answer = TypeVar("Answer")

Tell = Callable[[Job, Outcome], None]
"""Takes a finished job, whose outcome is on disk when it returns."""


class Ask:
    """Gives jobs, one at a call, each to begin at once.

    `choose` gives the next, or None when there is none for now; `begin` is told of it when it begins, and returns
    whether it still may.
    """

    def __init__(self, choose: Callable[[], Job | None], begin: Callable[[Job], bool] = lambda job: True) -> None:
        self._choose, self._begin = choose, begin
        self._chosen: Job | None = None

    def __call__(self) -> Job | None:
        """Return the next job, or None when there is none for now."""
        self.ahead()
        while (job := self._chosen) and not self._begin(job):
            self._chosen = self._choose()
        self._chosen = None
        return job

    def ahead(self) -> None:
        """Choose the next job already. An executor may call it while all of its workers are busy."""
        self._chosen = self._chosen or self._choose()


@dataclass(frozen=True)
class Placement:
    """Where trials run.

    `workers` trials run at once (None: as many as there is room for). `ray` is the address of a running cluster.
    `gpus` is the part of a GPU that a trial takes (0: it runs on a CPU core); `gpu_share`, if given, measures it on a
    GPU. With `gpu_optional`, trials run on CPU cores where the cluster has no GPU. With `times_cpu`, all of a machine
    take turns, as latency is the processor's wherever trials train. `trial_timeout` is in seconds.
    """

    workers: int | None = 1
    ray: str | None = None
    gpus: float = 0.0
    trial_timeout: float | None = None
    gpu_share: Callable[[], float] | None = None
    gpu_optional: bool = False
    times_cpu: bool = False


class Executor(Protocol):
    """A way of running trials. A file of this folder holds an instance named like the file."""

    def execute(self, ask: Ask, tell: Tell, prepare: Prepare, placement: Placement) -> None:
        """Keep every worker busy until there is nothing more to ask."""

    def there(self, look: Callable[[], Answer], placement: Placement) -> Answer:
        """Call a picklable function where trials will run, and return its answer or raise its error."""
