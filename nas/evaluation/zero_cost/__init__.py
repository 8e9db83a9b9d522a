"""Zero-cost scores: how good an untrained network promises to become.

A file of this folder holds one score, called like the file, or those that its `__all__` names. A pre-filter lets a
candidate be trained only if its score is among the best so far.
"""

import copy
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import inf

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from nas.network.build import Network
from nas.registry import SCORES
from nas.training.tasks import Loss

FIRST = 10  # candidates that pass a pre-filter because there is too little to compare them with


@dataclass(frozen=True)
class Sample:
    """A batch to score a network by: normalised images `(batch, channels, height, width)`, two or more, the targets
    that belong to them, and the task's loss."""

    x: Tensor
    targets: Tensor
    loss: Loss


Score = Callable[[Network, Sample], float]
"""`score(network, sample)`: how good an untrained network promises to become; more is better.

The network stays as it was: weights, buffers, gradients and mode. Not a finite number where the score is undefined.
"""


@dataclass(frozen=True)
class Scored:
    """A score's value, more being better, and the milliseconds it took."""

    value: float
    ms: float


def score(network: Network, sample: Sample, names: Iterable[str] | None = None) -> dict[str, Scored]:
    """The scores of an untrained network by name, all unless named.

    The network stays as it was. Raises SettingError for an unknown name.
    """
    scored = {}
    for name in SCORES.names() if names is None else names:
        start = time.perf_counter()
        value = float(SCORES.get(name)(network, sample))
        scored[name] = Scored(value, 1e3 * (time.perf_counter() - start))
    return scored


def replica(network: nn.Module) -> nn.Module:
    """A copy to take apart, as it would be at a training's first step, but with nothing dropped at random.

    BatchNorm takes the batch's statistics: those it starts with fit no image.
    """
    copied = copy.deepcopy(network).eval()
    for module in copied.modules():
        if isinstance(module, _BatchNorm):
            module.train()
    return copied


def weights(network: nn.Module) -> list[Tensor]:
    """The kernels and matrices: what the papers' scores sum over, without biases, norms and tables."""
    return [module.weight for module in network.modules() if isinstance(module, nn.Conv2d | nn.Linear)]


def gradients(network: nn.Module, sample: Sample) -> Iterator[tuple[Tensor, Tensor]]:
    """Each kernel or matrix that the loss reaches, with the gradient of the batch's mean loss."""
    copied = replica(network)
    own = weights(copied)
    found = torch.autograd.grad(sample.loss(copied(sample.x), sample.targets), own, allow_unused=True)
    return ((weight, gradient) for weight, gradient in zip(own, found, strict=True) if gradient is not None)


Scores = Mapping[str, float | None]
"""By name; None where a score is undefined for the network, which counts as the lowest."""


def bars(shares: Mapping[str, float], scored: Iterable[Scores]) -> dict[str, float]:
    """The scores that a candidate must reach: those that the best share of all candidates reached, trained or not."""
    scored = list(scored)
    reached = {}
    for name, share in shares.items():
        values = [_value(scores, name) for scores in scored if name in scores]
        if len(values) >= FIRST:
            reached[name] = float(np.quantile(values, 1 - share, method="higher"))
    return reached


def below(bars: Mapping[str, float], scores: Scores) -> str:
    """The first score that misses its bar, in words, or an empty text."""
    for name, bar in bars.items():
        if _value(scores, name) < bar:
            return f"{name} {_value(scores, name):.6g} is below {bar:.6g}, which the pre-filter asks for"
    return ""


def _value(scores: Scores, name: str) -> float:
    value = scores[name]
    return -inf if value is None else value
