"""Front, hypervolume and knee of points in any number of objectives.

Points are arrays `(points, objectives)`; `maximize` tells of each objective whether more is better.
"""

from collections.abc import Sequence

import moocore
import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
PRICE = 0.07  # the logarithm of 1.05 to the base 2: what twice the cost must buy
DIGITS = 9  # beyond which scores are equal, and the first of the points is taken


def front(points: Points, maximize: Sequence[bool]) -> NDArray[np.intp]:
    """Return the indices of the points that no other dominates, the first of equal ones only."""
    if len(points) == 0:
        return np.empty(0, np.intp)
    keep = moocore.is_nondominated(points, maximise=list(maximize), keep_weakly=False)
    return np.flatnonzero(keep)


def hypervolume(points: Points, reference: Sequence[float], maximize: Sequence[bool]) -> float:
    """Return the volume that the points dominate, up to `reference`, or 0 without points."""
    if len(points) == 0:
        return 0.0
    return float(moocore.hypervolume(points, ref=np.asarray(reference), maximise=list(maximize)))


def knee(points: Points, maximize: Sequence[bool], costs: Sequence[bool]) -> int:
    """Return the index of the point with the largest quality x cost^-0.07, so that twice the cost must buy 5 % more.

    This is MnasNet's reward, https://arxiv.org/abs/1807.11626 (section 3). `costs` tells of each objective whether it
    is one; quality is the geometric mean of the others, cost that of the costs. As values count by their ratios alone,
    neither a unit nor any other point changes which of two is better. `points` should be a front, and not empty.

    An objective that is not above 0 everywhere counts by its differences, as shares of its largest size.
    """
    largest = np.abs(points).max(axis=0)
    shares = points / np.where(largest > 0, largest, 1.0)
    gains = np.where(shares.min(axis=0) > 0, np.log(np.maximum(shares, np.finfo(float).tiny)), shares)
    is_cost = np.asarray(costs, bool)
    weights = np.where(is_cost, PRICE / max(is_cost.sum(), 1), 1 / max((~is_cost).sum(), 1))
    score = gains @ (weights * np.where(maximize, 1.0, -1.0))
    return int(np.argmax(score.round(DIGITS)))


def spaced(count: int, most: int) -> list[int]:
    """Return at most `most` indices below `count`, evenly spaced, with both ends: to thin a front that is sorted."""
    if count <= most:
        return list(range(count))
    return [round(i * (count - 1) / (most - 1)) for i in range(most)]
