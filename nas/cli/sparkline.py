"""Draw how a search's front grew in one line."""

from collections.abc import Sequence

import numpy as np

from nas.evaluation.units import percent
from nas.record.analysis.growth import growth
from nas.record.run import Run

BARS = "▁▂▃▄▅▆▇█"
MOST = 30  # bars
FEWEST = 8  # trainings, of which a curve tells something


def sparkline(values: Sequence[float]) -> str:
    """Draw values as bars from their least to their largest."""
    low, span = min(values), max(values) - min(values)
    return "".join(BARS[round((value - low) / span * (len(BARS) - 1)) if span else 0] for value in values)


def growing(run: Run, columns: int) -> str:
    """Draw the hypervolume of a run's front over its trainings, and say what the last ones added.

    The bars take a third of so many columns at most. Return an empty text for a run with too few results to tell.
    """
    found = growth(run)
    if not found.trainings or found.trainings[-1] < FEWEST:
        return ""
    done = found.trainings[-1]
    shares = np.interp(np.linspace(1, done, max(min(MOST, columns // 3, done), 1)), found.trainings, found.shares)
    (last, gain), reached = found.last, found.shares[-1]
    said = f"hypervolume {sparkline(shares.tolist())} {percent(reached)} of this run's own frame"
    if gain == reached:  # the first network has only now come to the last rung
        return said
    return f"{said}; the last {last} of {done} trainings added {percent(gain).replace('%', 'points')}"
