"""Zero-cost scores by name, and the pre-filter: a candidate is trained only if its score is among the best so far."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import inf

import numpy as np

from nas.evaluation.zero_cost import Sample
from nas.network.build import Network
from nas.registry import SCORES

FIRST = 10  # candidates that pass a pre-filter, as there are too few to compare them with


@dataclass(frozen=True)
class Scored:
    """A score's value, more being better, and the milliseconds it took."""

    value: float
    ms: float


def score(network: Network, sample: Sample, names: Iterable[str] | None = None) -> dict[str, Scored]:
    """Score an untrained network by the scores in `names`, or by all but those of other packages.

    The network stays as it was. Raises SettingError for an unknown name.
    """
    scored = {}
    for name in SCORES.at_hand() if names is None else names:
        start = time.perf_counter()
        with SCORES.telling(name):
            value = float(SCORES.get(name)(network, sample))
        scored[name] = Scored(value, 1e3 * (time.perf_counter() - start))
    return scored


Scores = Mapping[str, float | None]
"""By name; None where a score is undefined for the network, which counts as the lowest."""


def bars(shares: Mapping[str, float], scored: Iterable[Scores]) -> dict[str, float]:
    """The scores that a candidate must reach: those of the best share of all candidates, trained or not."""
    scored = list(scored)
    reached = {}
    for name, share in shares.items():
        values = [_value(scores, name) for scores in scored if name in scores]
        if len(values) >= FIRST:
            reached[name] = float(np.quantile(values, round(1 - share, 12), method="higher"))
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
