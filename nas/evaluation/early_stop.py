"""Stop a training early: a judge holds it against finished ones at each rung."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from nas.errors import DivergedError

RUNGS = (0.25, 0.5)
"""The shares of a training at which it is judged."""


@dataclass(frozen=True)
class Verdict:
    """A training is to be stopped: the value of the trained objective that was `expected`, and why it is not enough."""

    expected: float
    reason: str


class PrunedError(Exception):
    """A training was stopped; the message says why."""

    def __init__(self, message: str, expected: float) -> None:
        super().__init__(message)
        self.expected = expected


class Judge(Protocol):
    """Holds one training against what others came to. Can be pickled."""

    def __call__(self, losses: Sequence[float], known: Mapping[str, float]) -> Verdict | None:
        """The verdict on the losses at the rungs so far, None to go on; `known` are the objectives known by then."""


@dataclass
class Rungs:
    """Watches a training: called after every step, it notes the mean loss since the rung before, and asks the judge.

    The loss of a batch before the network has learnt from it is an unbiased look at how well it does, for nothing
    (Ru et al., arXiv:2006.04492, rank architectures by its sum).
    """

    judge: Judge | None
    known: Mapping[str, float]
    shares: Sequence[float] = RUNGS
    losses: list[float] = field(default_factory=list)
    _sum: Any = 0.0
    _steps: int = 0

    def __call__(self, share: float, loss: Any) -> None:
        """Take a step's loss, a number or a tensor of one.

        Raises PrunedError when the judge says so, DivergedError when the mean loss is not finite.
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
        if self.judge and (verdict := self.judge(self.losses, self.known)):
            raise PrunedError(f"after {share:.0%} of its training {verdict.reason}", verdict.expected)
