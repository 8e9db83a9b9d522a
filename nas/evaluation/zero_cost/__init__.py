"""Zero-cost scores: how good an untrained network promises to become. One score a file."""

import time
from collections.abc import Iterable
from dataclasses import dataclass

from torch import Tensor

from nas.network.build import Network
from nas.registry import SCORES

__all__ = ["Scored", "score"]


@dataclass(frozen=True)
class Scored:
    """A score's value, more being better, and the milliseconds it took."""

    value: float
    ms: float


def score(network: Network, x: Tensor, y: Tensor, names: Iterable[str] | None = None) -> dict[str, Scored]:
    """The scores of an untrained network by name, all unless named, from images `x` and their classes `y`.

    The network stays as it was. Raises SettingError for an unknown name.
    """
    scored = {}
    for name in SCORES.names() if names is None else names:
        start = time.perf_counter()
        value = float(SCORES.get(name)(network, x, y))
        scored[name] = Scored(value, 1e3 * (time.perf_counter() - start))
    return scored
