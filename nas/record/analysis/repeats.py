"""The same networks measured twice: on two rungs, from two seeds, predicted and measured; and how well both agree."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nas.evaluation.units import epochs
from nas.record.analysis.agreement import Agreement, agreement
from nas.record.analysis.reliability import FEWEST
from nas.record.run import Run

RESAMPLES = 200  # for intervals to two digits, on a page that is written again and again


@dataclass(frozen=True)
class Pairs:
    """Two values of an `objective` for each of some trials, the first called `before`, the second `after`."""

    objective: str
    before: str
    after: str
    trials: tuple[int, ...]
    first: tuple[float, ...]
    second: tuple[float, ...]

    @property
    def agreement(self) -> Agreement | None:
        """How alike both rank the trials, None where these are too few to tell."""
        if len(self.trials) < FEWEST:
            return None
        return agreement(np.array(self.first), np.array(self.second), RESAMPLES)


def between_rungs(run: Run) -> list[Pairs]:
    """Return the first trained objective on each two rungs that follow one another, of trials that were on both."""
    if not (name := run.judged):
        return []
    lengths = run.config.epochs
    reached = {(trial.number, 0): trial.metrics[name] for trial in run.trials if trial.state == "complete"}
    reached |= {
        (one.trial, one.rung): one.outcome.metrics[name]
        for one in run.further
        if not one.repeat and one.outcome.state == "complete"
    }
    numbers = [trial.number for trial in run.trials]
    return [
        _pairs(name, epochs(lengths[i]), epochs(lengths[i + 1]), [
            (n, reached[n, i], reached[n, i + 1]) for n in numbers if {(n, i), (n, i + 1)} <= reached.keys()
        ])
        for i in range(len(lengths) - 1)
    ]  # fmt: skip


def between_seeds(run: Run) -> Pairs | None:
    """Return the first trained objective from two seeds, neither that for which a network was chosen.

    None where no network has two further trainings.
    """
    found: dict[int, list[float]] = {}
    for one in sorted(run.further, key=lambda each: each.repeat):
        if one.repeat and one.outcome.state == "complete" and run.judged:
            found.setdefault(one.trial, []).append(one.outcome.metrics[run.judged])
    rows = [(number, values[0], values[1]) for number, values in sorted(found.items()) if len(values) > 1]
    return _pairs(run.judged, "one seed", "another seed", rows) if rows else None


def first_and_further(run: Run) -> Pairs | None:
    """Return the first trained objective of the trials' own trainings, and the means of those from other seeds."""
    if not (name := run.judged):
        return None
    rows = [(r.number, r.first[name], r.metrics[name]) for r in run.results if r.repeats]
    return _pairs(name, "own training", "mean of further trainings", rows) if rows else None


def predicted_and_measured(run: Run) -> Pairs | None:
    """Return the latencies that were predicted, as they are and as they were measured when the search had ended."""
    measured = run.front_values("latency")
    rows = [
        (result.number, result.metrics["latency"], measured[result.key])
        for result in run.results
        if result.key in measured and result.trial.outcome.readings.get("latency", {}).get("source") == "predicted"
    ]
    return _pairs("latency", "predicted", "measured", rows) if rows else None


def _pairs(name: str, before: str, after: str, rows: Sequence[tuple[int, float, float]]) -> Pairs:
    numbers, first, second = (tuple(row[i] for row in rows) for i in range(3))
    return Pairs(name, before, after, tuple(map(int, numbers)), first, second)
