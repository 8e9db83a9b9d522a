"""Jobs and outcomes: plain data between a search and the processes that evaluate its networks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from nas.costs.turns import Turn, Turns
from nas.evaluation.early_stop import Judge
from nas.files import Json
from nas.network.architecture import Architecture

State = Literal["complete", "failed", "rejected", "pruned"]
Purpose = Literal["search", "confirm", "measure"]


@dataclass(frozen=True)
class Job:
    """One architecture to evaluate.

    `seed` decides initial weights, order and augmentation. A `search` job is a new trial: it is not trained if a
    zero-cost score misses its bar in `bars`, and `judge` may stop its training early. A `confirm` job is the further
    training number `repeat`, from 1, of trial `number`. A `measure` job reads the objectives `asked` of a trial again,
    with full effort and without training.
    """

    number: int
    architecture: Architecture
    seed: int
    bars: Mapping[str, float] = field(default_factory=dict)
    judge: Judge | None = None
    purpose: Purpose = "search"
    repeat: int = 0
    asked: tuple[str, ...] = ()

    @property
    def ticket(self) -> tuple[Purpose, int, int]:
        """Tells this job from all others of a search."""
        return self.purpose, self.number, self.repeat


@dataclass(frozen=True)
class Outcome:
    """The end of a job.

    A `rejected` network broke a limit before training and costs no budget; a `pruned` one was stopped in its training,
    a `failed` one ended in an error, and `reason` says why. `metrics` has every objective that is known, in its unit;
    `readings` the details of measurements, by objective; `seconds` the time that each step took.

    `losses` are the mean training losses of the epochs, `rungs` those up to each rung; `expected` is the value that a
    pruned training was expected to reach. `scores` are zero-cost scores (None: undefined for this network). `turn` says
    how the neighbours behaved during measurements, `host` which machine it was; `lost` are the reasons why the job was
    lost with its machine before.
    """

    state: State
    metrics: dict[str, float] = field(default_factory=dict)
    readings: dict[str, Json] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    reason: str = ""
    losses: tuple[float, ...] = ()
    rungs: tuple[float, ...] = ()
    expected: float | None = None
    scores: dict[str, float | None] = field(default_factory=dict)
    turn: Turn | None = None
    host: str = ""
    lost: tuple[str, ...] = ()


Evaluate = Callable[[Job], Outcome]

Prepare = Callable[[Turns], Evaluate]
"""Makes the evaluating function in each worker, once. Can be pickled, and holds the data."""


def describe(error: BaseException) -> str:
    """Describe an error in one line, in the same words wherever memory ran out."""
    text = str(error).splitlines()[0] if str(error) else ""
    if isinstance(error, MemoryError) or "out of memory" in text or "can't allocate memory" in text:
        return f"out of memory: {text or type(error).__name__}"
    return f"{type(error).__name__}: {text}"


def derive_seed(seed: int, number: int, *repeat: int) -> int:
    """Derive a trial's seed from the search's and its number, or another one for a further training."""
    return int(np.random.SeedSequence([seed, number, *repeat]).generate_state(1)[0])
