"""How far a full training has come: its epochs and its course, apart from its weights."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import isfinite, nan

from nas.training.full.schedule import Course


@dataclass(frozen=True)
class Epoch:
    """One epoch: its seconds, last learning rate, mean loss, and the validation part's loss and metrics."""

    number: int
    seconds: float
    learning_rate: float
    loss: float
    validation_loss: float
    metrics: dict[str, float]


@dataclass
class Progress:
    """What is known of a training beside its weights."""

    course: Course
    history: list[Epoch] = field(default_factory=list)
    best: int = 0
    """The number of the epoch with the best weights, 0 before the first."""


def best_epoch(history: Sequence[Epoch], monitor: str, sign: int) -> int:
    """Return the number of the first epoch with the best value of a metric, 0 where none has a finite one.

    `sign` is 1 where more is better, -1 where less is.
    """
    known = [epoch for epoch in history if isfinite(epoch.metrics.get(monitor, nan))]
    return max(known, key=lambda epoch: sign * epoch.metrics[monitor]).number if known else 0


Between = Callable[[Progress, float | None], None]
"""Called after every step with the loss where it is known. It may raise StoppedError."""
