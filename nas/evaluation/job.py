"""Jobs and outcomes: plain data between a search and the processes that evaluate its networks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

import numpy as np
from pydantic import BeforeValidator, Field

from nas.costs.turns import Turn, Turns
from nas.errors import first_line, in_one_line
from nas.files import Json, readable
from nas.network.architecture import Architecture

State = Literal["complete", "failed", "rejected"]
Purpose = Literal["search", "promote", "confirm", "measure"]


@dataclass(frozen=True)
class Job:
    """One architecture to evaluate.

    `seed` decides initial weights, order and augmentation, `rung` the length of the training. A `search` job is a new
    trial on the first rung, 0: it is not trained if a zero-cost score misses its bar in `bars`. A `promote` job takes
    the training of trial `number` on to a higher rung, from the bytes in `since` or, without, from its beginning; both
    give back the training as it may go on if they `keep` it. A `confirm` job is the further training number `repeat`,
    from 1, from another seed. A `measure` job reads the objectives `asked` of a trial again, with full effort and
    without training. `patience` is the time that a job may take, in times of a first training's limit.
    """

    number: int
    architecture: Architecture
    seed: int
    bars: Mapping[str, float] = field(default_factory=dict)
    purpose: Purpose = "search"
    repeat: int = 0
    rung: int = 0
    since: bytes | None = field(default=None, repr=False)
    keep: bool = False
    asked: tuple[str, ...] = ()
    patience: float = 1.0

    def limit(self, seconds: float | None) -> float | None:
        """Return the seconds that this job may take, given a first training's, or None without a limit."""
        return seconds and seconds * self.patience

    @property
    def ticket(self) -> tuple[Purpose, int, int, int]:
        """Tells this job from all others of a search."""
        return self.purpose, self.number, self.repeat, self.rung


def _known(state: object) -> object:
    """Read a training that an earlier version stopped as hopeless as a failed one."""
    return "failed" if state == "pruned" else state


@dataclass(frozen=True)
class Outcome:
    """The end of a job.

    A `rejected` network broke a limit before training and costs no budget; a `failed` one ended in an error, and
    `reason` says why. `metrics` has every objective that is known, in its unit; `readings` the details of measurements,
    by objective; `seconds` the time that each step took.

    `losses` are the mean training losses of the epochs, `scores` are zero-cost scores (None: undefined for this
    network). `turn` says how the neighbours behaved during measurements, `host` which machine it was; `lost` are the
    reasons why the job was lost with its machine before. `pause` is the training as it may go on, for a file of its
    own.
    """

    state: Annotated[State, BeforeValidator(_known)]
    metrics: dict[str, float] = field(default_factory=dict)
    readings: dict[str, Json] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    reason: str = ""
    losses: tuple[float, ...] = ()
    scores: dict[str, float | None] = field(default_factory=dict)
    turn: Turn | None = None
    host: str = ""
    lost: tuple[str, ...] = ()
    pause: Annotated[bytes | None, Field(exclude=True)] = field(default=None, repr=False, compare=False)

    @property
    def took(self) -> float:
        """The seconds that all steps took."""
        return sum(self.seconds.values())


Evaluate = Callable[[Job], Outcome]

Prepare = Callable[[Turns], Evaluate]
"""Makes the evaluating function in each worker, once. Can be pickled, and holds the data."""


def describe(error: BaseException) -> str:
    """Describe an error in one line, in the same words wherever memory ran out."""
    text = readable(first_line(error))
    if isinstance(error, MemoryError) or "out of memory" in text or "can't allocate memory" in text:
        return f"out of memory: {text}"
    return readable(in_one_line(error))


def derive_seed(seed: int, number: int, *repeat: int) -> int:
    """Derive a trial's seed from the search's and its number, or another one for a further training."""
    return int(np.random.SeedSequence([seed, number, *repeat]).generate_state(1)[0])
