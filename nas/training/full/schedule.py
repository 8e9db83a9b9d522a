"""The course of a training: its learning rate, and where its end is."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Schedule:
    """A linear rise to the peak, then half a cosine to the end, over a share from 0 to 1 of the training."""

    peak: float
    end: float
    warmup: float
    """The share of the training that the rise takes."""

    def rate(self, share: float, step: float = 0.0) -> float:
        """Return the learning rate at a share of the training, one `step` of which is to be taken."""
        if share < self.warmup:
            return self.peak * min((share + step) / self.warmup, 1.0)
        done = (share - self.warmup) / max(1 - self.warmup, 1e-9)
        return self.end + (self.peak - self.end) * 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))


@dataclass
class Course:
    """How far a training has come, by steps or, with `limit`, by seconds.

    `elapsed` are the seconds of training and validation so far, those before an interruption included.
    """

    epochs: int
    steps: int
    """Steps of the optimiser an epoch."""
    limit: float | None = None
    epoch: int = 0
    step: int = 0
    elapsed: float = 0.0

    @property
    def share(self) -> float:
        """The share of the training that is done."""
        if self.limit:
            return min(self.elapsed / self.limit, 1.0)
        return (self.epoch * self.steps + self.step) / (self.epochs * self.steps)

    @property
    def one(self) -> float:
        """The share of the training that one step takes, by the epochs asked for."""
        return 1 / (self.epochs * self.steps)

    @property
    def over(self) -> bool:
        """Whether the end is reached: the last epoch, or the last second."""
        return self.share >= 1.0
