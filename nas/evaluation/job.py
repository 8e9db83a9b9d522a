"""What an executor is given and what it gives back: plain data, so that it may cross processes.

An executor is a function `execute(ask, tell, prepare, placement)` called like its file.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from nas.costs.turns import Turns
from nas.evaluation.early_stop import Judge
from nas.evaluation.process_limits import time_limit
from nas.network.architecture import Architecture


@dataclass(frozen=True)
class Job:
    """One architecture to evaluate; `seed` decides initial weights, order and augmentation.

    It is not trained if it misses one of `bars`, by zero-cost score. `judge` may stop its training early. `repeat`
    counts the further trainings of trial `number`, from 1.
    """

    number: int
    architecture: Architecture
    seed: int
    bars: Mapping[str, float] = field(default_factory=dict)
    judge: Judge | None = None
    repeat: int = 0


@dataclass(frozen=True)
class Outcome:
    """What became of a job; see `nas.record.journal.Trial` for the fields."""

    state: Literal["complete", "failed", "rejected", "pruned"]
    metrics: dict[str, float] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    reason: str = ""


Ask = Callable[[], Job | None]
"""The next job, or None when the search is over."""

Tell = Callable[[Job, Outcome], None]
"""Takes a finished job; when it returns, the result is on disk."""

Evaluate = Callable[[Job], Outcome]

Prepare = Callable[[Turns], Evaluate]
"""Makes the evaluation where it shall run, once a worker: it can be pickled, and holds the data."""


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


def attempt(evaluate: Evaluate, job: Job, timeout: float | None) -> Outcome:
    """Evaluate a job; whatever is raised, takes too long or is not a number makes it a failed outcome."""
    try:
        with time_limit(timeout):
            outcome = evaluate(job)
    except Exception as error:
        return Outcome("failed", reason=describe(error))
    broken = [name for name, value in outcome.metrics.items() if not math.isfinite(value)]
    if broken:
        kept = {name: value for name, value in outcome.metrics.items() if name not in broken}
        reason = f"{broken[0]} is {outcome.metrics[broken[0]]}"
        return Outcome("failed", kept, outcome.details, outcome.seconds, reason)
    return outcome


def describe(error: BaseException) -> str:
    """An error in one line for the record; running out of memory has the same words wherever it was met."""
    text = str(error).splitlines()[0] if str(error) else ""
    if isinstance(error, MemoryError) or "out of memory" in text or "can't allocate memory" in text:
        return f"out of memory: {text or type(error).__name__}"
    return f"{type(error).__name__}: {text}"
