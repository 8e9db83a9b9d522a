"""Stop a training early: a judge compares it with finished ones at each rung."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from nas.errors import DivergedError

RUNGS = (0.25, 0.5)
"""The shares of a training at which it is judged."""


@dataclass(frozen=True)
class Verdict:
    """The decision to stop a training: the `expected` value of its trained objective, and why it is not enough."""

    expected: float
    reason: str


class PrunedError(Exception):
    """A training was stopped, for the reason in the message."""

    def __init__(self, message: str, expected: float) -> None:
        super().__init__(message)
        self.expected = expected


class Judge(Protocol):
    """Compares a training with finished ones. Can be pickled."""

    def __call__(self, losses: Sequence[float], costs: Mapping[str, float]) -> Verdict | None:
        """Judge the losses at the rungs so far, by the objectives in `costs` known beforehand. None means go on."""


@dataclass
class Rungs:
    """Watches a training: notes the mean loss from rung to rung, and asks the judge at each.

    The loss of a batch before the network learns from it is an unbiased estimate of its quality at no cost
    (Ru et al., arXiv:2006.04492, rank architectures by its sum).
    """

    judge: Judge | None
    costs: Mapping[str, float]
    shares: Sequence[float] = RUNGS
    losses: list[float] = field(default_factory=list)
    _sum: Any = 0.0
    _steps: int = 0

    def __call__(self, share: float, loss: Any) -> None:
        """Take a step's loss, a number or a tensor of one element.

        Raises PrunedError when the judge stops the training, DivergedError when the mean loss is not finite.
        """
        if len(self.losses) == len(self.shares):
            return
        self._sum, self._steps = self._sum + loss, self._steps + 1
        if share + 1e-9 < self.shares[len(self.losses)]:
            return
        mean = float(self._sum) / self._steps
        if not math.isfinite(mean):
            raise DivergedError(f"the loss became {mean} within {share:.0%} of the training")
        self.losses.append(round(mean, 5))
        self._sum, self._steps = 0.0, 0
        if self.judge and (verdict := self.judge(self.losses, self.costs)):
            raise PrunedError(f"after {share:.0%} of its training {verdict.reason}", verdict.expected)
