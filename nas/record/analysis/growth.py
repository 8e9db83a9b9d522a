"""How the fronts of runs grew: the hypervolume they dominate, over trainings and over time, in one frame for all."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from nas import pareto
from nas.record.results import Result, highest
from nas.record.run import Run
from nas.record.trial import Trial

EDGE = 1.1  # the worst side of a frame, in ranges from its best: a tenth beyond the worst value
POINTS = 200  # of a curve
LAST = 0.25  # of the trainings, whose part in a front is told
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Frame:
    """The values that count: each objective from the best to a tenth of the range beyond the worst seen in some runs.

    `low` and `span` are of losses, in which less is better.
    """

    low: Floats
    span: Floats

    @classmethod
    def of(cls, losses: Floats) -> "Frame":
        """Return the frame of losses `(points, objectives)`."""
        low, span = losses.min(axis=0), np.ptp(losses, axis=0)
        return cls(low, np.where(span > 0, span, 1.0))

    def share(self, losses: Floats) -> float:
        """Return the share of the frame that losses `(points, objectives)` dominate."""
        edge, less = [EDGE] * len(self.low), [False] * len(self.low)
        return pareto.hypervolume((losses - self.low) / self.span, edge, less) / EDGE ** len(self.low)


@dataclass(frozen=True)
class Growth:
    """The share of a frame that a run's front dominated after so many `trainings`, which took so many `seconds`."""

    trainings: list[int]
    seconds: list[float]
    shares: list[float]

    @property
    def last(self) -> tuple[int, float]:
        """How many trainings are the last quarter, and what these added to the share. Raises IndexError without one."""
        count = round(self.trainings[-1] * LAST)
        before = np.interp(self.trainings[-1] - count, self.trainings, self.shares)
        return count, self.shares[-1] - float(before)


def losses_of(run: Run, trainings: int | None = None, rung: int | None = None, *, first: bool = False) -> Floats:
    """Return the values of a run's results on a rung, its highest unless told, `(results, objectives)`; less is better.

    They are those of all trainings, or of the first so many. One that went on counts as another. With `first` those
    from other seeds are left out, also of means.
    """
    found, places, _ = _arrivals(run, rung, first)
    within = [r for r, place in zip(found, places, strict=True) if trainings is None or place < trainings]
    return as_losses(run, within)


def as_losses(run: Run, results: Sequence[Result | Trial]) -> Floats:
    """Return results' objectives with signs such that less is better `(results, objectives)`."""
    return run.points(results) * np.where(run.maximize, -1.0, 1.0)


def trainings_of(run: Run) -> int:
    """Count a run's trainings, those that went on as others, without those from other seeds."""
    return len(run.spent) + sum(not one.repeat for one in run.further)


def _arrivals(run: Run, rung: int | None, first: bool) -> tuple[list[Result], list[int], list[float]]:
    """Return the results on a rung in order, the place of each among the trainings, and when these ended."""
    events = [(one.ended, one.number, 0) for one in run.spent]
    events += [(one.ended, one.trial, one.rung) for one in run.further if not one.repeat]
    events.sort(key=lambda event: event[0])  # equal ends stay in the order of the record
    place = {(number, rung): i for i, (_, number, rung) in enumerate(events)}
    rung = highest(run.results) if rung is None else rung
    found = sorted((r for r in run.results if r.rung >= rung), key=lambda result: place[result.number, rung])
    came_to = {one.trial: one.outcome.metrics for one in run.further if one.rung == rung and not one.repeat}
    if first or rung < len(run.config.lengths) - 1:  # below the last rung results have expected values
        for i, result in enumerate(found):
            own = came_to.get(result.number, result.trial.metrics)
            found[i] = replace(result, metrics={**result.metrics, **{name: own[name] for name in result.first}})
    return found, [place[result.number, rung] for result in found], [ended for ended, _, _ in events]


def growth(
    run: Run, frame: Frame | None = None, most: int = POINTS, *, rung: int | None = None, first: bool = False
) -> Growth:
    """Follow a run's front on a rung at up to `most` numbers of trainings, within its own frame or another."""
    found, places, ended = _arrivals(run, rung, first)
    if not found:
        return Growth([], [], [])
    losses = as_losses(run, found)
    frame, less = frame or Frame.of(losses), [False] * losses.shape[1]
    done = np.searchsorted(places, np.arange(1, len(ended) + 1))
    stops = [i + 1 for i in pareto.spaced(len(done), most)]
    shares, best, seen = [], losses[:0], 0
    for stop in stops:
        best = np.vstack([best, losses[seen : done[stop - 1]]])  # what is dominated stays dominated
        best, seen = best[pareto.front(best, less)], done[stop - 1]
        shares.append(frame.share(best))
    return Growth([0, *stops], [0.0, *(float(ended[stop - 1]) for stop in stops)], [0.0, *shares])
