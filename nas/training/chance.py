"""What chance alone gives: how far a share of few may lie from the true one, and how often a count comes so high."""

import numpy as np
from scipy.special import bdtrc  # scipy.stats takes most of a second: it is imported where it is used

LEVEL = 0.95
"""The confidence of every interval."""


def wilson(hits: int, count: int) -> tuple[float, float]:
    """Bound a share by Wilson's interval, from 0 to 1 where nothing was counted."""
    from scipy.stats import binomtest

    if not count:
        return 0.0, 1.0
    found = binomtest(hits, count).proportion_ci(LEVEL, "wilson")
    return float(found.low), float(found.high)


def so_many(hits: int, count: int, share: float) -> float:
    """Return the chance of `hits` or more among `count` where each comes with chance `share`."""
    return float(bdtrc(hits - 1, count, share)) if hits else 1.0


def apart(hits: int, count: int, others: int, rest: int, *, either_way: bool = False) -> float:
    """Return Fisher's chance that `hits` of `count` are that many more than `others` of `rest` only by accident.

    With `either_way` it is that of their being so many more or so many fewer.
    """
    from scipy.stats import fisher_exact

    table = np.array([[hits, count - hits], [others, rest - others]])
    return float(fisher_exact(table, alternative="two-sided" if either_way else "greater").pvalue)
