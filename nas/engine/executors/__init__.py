"""Where trials run: one executor a file.

An executor asks for jobs, has them evaluated and tells their outcomes, until there is nothing more to ask.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from nas.evaluation.job import Job, Outcome, Prepare

Answer = TypeVar("Answer")

Ask = Callable[[], Job | None]
"""The next job, or None when there is none for now."""

Tell = Callable[[Job, Outcome], None]
"""Takes a finished job; when it returns, the result is on disk."""


@dataclass(frozen=True)
class Placement:
    """Where trials run.

    `workers` trials run at once (None: as many as there is room for); `ray` is the address of a running cluster;
    `gpus` is the part of a GPU that a trial takes (0: it runs on a CPU core), measured on a GPU by `gpu_share` where
    there is one; with `gpu_optional` trials run on CPU cores where the cluster has no GPU. `trial_timeout` is in
    seconds.
    """

    workers: int | None = 1
    ray: str | None = None
    gpus: float = 0.0
    trial_timeout: float | None = None
    gpu_share: Callable[[], float] | None = None
    gpu_optional: bool = False


class Executor(Protocol):
    """One way of running trials; a file of this folder has an instance called like the file."""

    def execute(self, ask: Ask, tell: Tell, prepare: Prepare, placement: Placement) -> None:
        """Keep every worker busy until there is nothing more to ask."""

    def there(self, look: Callable[[], Answer], placement: Placement) -> Answer:
        """Call a function, which can be pickled, where trials will run, and return its answer or raise its error."""
