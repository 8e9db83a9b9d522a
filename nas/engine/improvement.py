"""Exact expected hypervolume improvement, for objectives that are independent and either normal or known.

The region that a front does not dominate is cut into boxes; the volume that a candidate should dominate in a box is a
product over objectives (Yang et al., 2019, https://doi.org/10.1007/s10898-019-00798-7). All objectives are minimised.
"""

from dataclasses import dataclass
from functools import cached_property

import moocore
import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

Values = NDArray[np.float64]
CORNERS = {2: 500, 3: 40, 4: 14}  # points kept of a front, by number of objectives: boxes grow as their power
FEWEST_CORNERS = 8


@dataclass(frozen=True)
class Boxes:
    """Lower and upper corners `(boxes, objectives)`."""

    lower: Values
    upper: Values

    @cached_property
    def edges(self) -> list[tuple[Values, NDArray[np.intp], NDArray[np.intp]]]:
        """The edges along each objective, once each, and which of them bound each box below and above."""
        found = []
        for low, high in zip(self.lower.T, self.upper.T, strict=True):
            edges, index = np.unique(np.concatenate([low, high]), return_inverse=True)
            found.append((edges, index[: len(low)], index[len(low) :]))
        return found


def boxes(front: Values, reference: Values) -> Boxes:
    """The region up to the reference that no point of the front dominates."""
    inside = front[(front < reference).all(axis=1)]
    return Boxes(*_cut(thin(inside, CORNERS.get(len(reference), FEWEST_CORNERS)), reference))


def _cut(front: Values, reference: Values) -> tuple[Values, Values]:
    """Cut slabs along the last objective, and each by the points that reach into it along the others."""
    if len(reference) == 1:
        return np.array([[-np.inf]]), np.minimum(front.min(axis=0, initial=np.inf), reference)[None]
    edges = np.unique(front[:, -1])
    lowers, uppers = [], []
    for low, high in zip((-np.inf, *edges), (*edges, reference[-1]), strict=True):
        lower, upper = _cut(nondominated(front[front[:, -1] <= low, :-1]), reference[:-1])
        lowers.append(np.column_stack([lower, np.full(len(lower), low)]))
        uppers.append(np.column_stack([upper, np.full(len(upper), high)]))
    return np.concatenate(lowers), np.concatenate(uppers)


def nondominated(points: Values) -> Values:
    """The points that no other dominates, each once."""
    return points[moocore.is_nondominated(points, keep_weakly=False)] if len(points) else points


def thin(front: Values, count: int) -> Values:
    """At most `count` points of a front, evenly spread: the best in each objective, then the farthest in turn."""
    if len(front) <= count:
        return front
    spread = np.ptp(front, axis=0)
    scaled = front / np.where(spread > 0, spread, 1.0)
    kept = list(dict.fromkeys(int(i) for i in scaled.argmin(axis=0)))
    distance = np.min([np.linalg.norm(scaled - scaled[i], axis=1) for i in kept], axis=0)
    while len(kept) < count:
        kept.append(int(distance.argmax()))
        distance = np.minimum(distance, np.linalg.norm(scaled - scaled[kept[-1]], axis=1))
    return front[sorted(kept)]


def expected_improvement(boxes: Boxes, mean: Values, deviation: Values) -> Values:
    """The expected hypervolume improvement of candidates `(candidates, objectives)`. A deviation of 0 means known."""
    volume = np.ones((len(mean), len(boxes.lower)))
    for i, (edges, lower, upper) in enumerate(boxes.edges):
        below = _expected_below(edges, mean[:, i : i + 1], deviation[:, i : i + 1])
        volume *= below[:, upper] - below[:, lower]
    return np.asarray(volume.sum(axis=1))


def _expected_below(edges: Values, mean: Values, deviation: Values) -> Values:
    """E[max(edge - Y, 0)] for normal Y, `(candidates, edges)`, 0 for an edge at minus infinity."""
    distance = np.where(np.isfinite(edges), edges, 0.0) - mean
    if not deviation.any():
        return np.where(np.isfinite(edges), np.maximum(distance, 0.0), 0.0)
    z = distance / np.where(deviation > 0, deviation, 1.0)
    normal = distance * ndtr(z) + deviation * np.exp(-z * z / 2) / np.sqrt(2 * np.pi)
    return np.where(np.isfinite(edges), np.where(deviation > 0, normal, np.maximum(distance, 0.0)), 0.0)
