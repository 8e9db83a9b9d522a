"""The pre-filter: a candidate is trained only if its zero-cost score is among the best so far."""

from collections.abc import Iterable, Mapping
from math import inf

import numpy as np

Scores = Mapping[str, float | None]
"""By name; None where a score is undefined for the network, which counts as the lowest."""

FIRST = 10  # candidates that pass because there is too little to compare them with


def bars(shares: Mapping[str, float], scored: Iterable[Scores]) -> dict[str, float]:
    """What a candidate's scores must reach: what the best share of all candidates reached, trained or not."""
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
