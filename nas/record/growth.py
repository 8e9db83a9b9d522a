"""How the fronts of runs grew: the hypervolume they dominate, over trainings and over time, within one box for all."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nas import pareto
from nas.record.run import Run

EDGE = 1.1  # the worst side of a box, in ranges from its best: a tenth beyond the worst value
POINTS = 200  # of a curve
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Box:
    """The values that count: each objective from the best to a tenth of the range beyond the worst seen in some runs.

    `low` and `span` are of losses, in which less is better.
    """

    low: Floats
    span: Floats

    @classmethod
    def around(cls, runs: Sequence[Run]) -> "Box":
        """Return the box of runs with the same objectives, at least one of which has a result."""
        losses = np.concatenate([losses_of(run) for run in runs])
        low, span = losses.min(axis=0), np.ptp(losses, axis=0)
        return cls(low, np.where(span > 0, span, 1.0))

    def share(self, losses: Floats) -> float:
        """Return the share of the box that losses `(points, objectives)` dominate."""
        edge, less = [EDGE] * len(self.low), [False] * len(self.low)
        return pareto.hypervolume((losses - self.low) / self.span, edge, less) / EDGE ** len(self.low)


@dataclass(frozen=True)
class Growth:
    """The share of a box that a run's front dominated after so many `trainings`, which took so many `seconds`."""

    trainings: list[int]
    seconds: list[float]
    shares: list[float]


def losses_of(run: Run, trainings: int | None = None) -> Floats:
    """Return the values of a run's results `(results, objectives)`, of all or its first trainings; less is better."""
    first = {trial.number for trial in run.spent[:trainings]}
    return run.points([result for result in run.results if result.number in first]) * np.where(run.maximize, -1.0, 1.0)


def growth(run: Run, box: Box | None = None, most: int = POINTS) -> Growth:
    """Follow a run's front at up to `most` numbers of trainings, within its own box or another."""
    losses = losses_of(run)
    if not len(losses):
        return Growth([], [], [])
    box, less = box or Box.around([run]), [False] * losses.shape[1]
    done = np.cumsum([t.state == "complete" for t in run.spent])
    ended = np.maximum.accumulate([t.ended for t in run.spent])
    stops = [i + 1 for i in pareto.spaced(len(done), most)]
    shares, best, seen = [], losses[:0], 0
    for stop in stops:
        best = np.vstack([best, losses[seen : done[stop - 1]]])  # what is dominated stays dominated
        best, seen = best[pareto.front(best, less)], done[stop - 1]
        shares.append(box.share(best))
    return Growth([0, *stops], [0.0, *(float(ended[stop - 1]) for stop in stops)], [0.0, *shares])
