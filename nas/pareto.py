"""Front, hypervolume and knee of points in any number of objectives.

Points are arrays `(points, objectives)`; `maximize` tells of each objective whether more is better.
"""

from collections.abc import Sequence

import moocore
import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]


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


def knee(points: Points, maximize: Sequence[bool]) -> int:
    """Return the index of the point nearest to the ideal one, each objective scaled to its range on the front.

    It gives up least of everything at once. `points` should be a front.
    """
    signs = np.where(maximize, -1.0, 1.0)
    costs = points * signs
    low, high = costs.min(axis=0), costs.max(axis=0)
    scaled = (costs - low) / np.where(high > low, high - low, 1.0)
    return int(np.argmin(np.linalg.norm(scaled, axis=1)))


def spaced(count: int, most: int) -> list[int]:
    """Return at most `most` indices below `count`, evenly spaced, with both ends: to thin a front that is sorted."""
    if count <= most:
        return list(range(count))
    return [round(i * (count - 1) / (most - 1)) for i in range(most)]
