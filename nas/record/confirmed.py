"""What several trainings of one architecture come to: means with intervals."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from scipy import stats

from nas.record.journal import Confirmation, Trial

LEVEL = 0.95
FEWEST = 3  # degrees of freedom below which an interval would say nothing


def confirmed(trials: Iterable[Trial], confirmations: Iterable[Confirmation], trained: Sequence[str]) -> list[Trial]:
    """The trials, each that was trained again with what it came to then.

    An objective in `trained` is the mean of the further trainings alone: the first one, for which a trial was chosen,
    flatters it. One that is measured is the median of all readings. `details["confirmed"]` has the number of further
    `trainings`, the `first` value of each trained objective, and half the width of its 95 % `interval`: Student's, with
    the deviation that all repeated trials share, absent where too few were repeated.
    """
    repeats = defaultdict[int, list[Confirmation]](list)
    for confirmation in confirmations:
        if confirmation.state == "complete":
            repeats[confirmation.trial].append(confirmation)
    widths = {name: _width([[c.metrics[name] for c in group] for group in repeats.values()]) for name in trained}
    return [_mean(trial, repeats[trial.number], widths) if trial.number in repeats else trial for trial in trials]


def interval(trial: Trial, name: str) -> float | None:
    """Half the width of the interval of a confirmed trial's objective; None where none is known."""
    found: float | None = trial.details.get("confirmed", {}).get("interval", {}).get(name)
    return found


def flattery(trials: Iterable[Trial], name: str) -> float:
    """By how much the first trainings of confirmed trials lie above the means of their further ones."""
    known = [(t.details["confirmed"]["first"][name], t.metrics[name]) for t in trials if "confirmed" in t.details]
    return float(np.mean([first - mean for first, mean in known])) if known else 0.0


def _mean(trial: Trial, repeats: list[Confirmation], widths: dict[str, float | None]) -> Trial:
    metrics = {}
    for name, value in trial.metrics.items():
        again = [c.metrics[name] for c in repeats if name in c.metrics]
        metrics[name] = float(np.mean(again)) if name in widths else float(np.median([value, *again]))
    known = {
        "trainings": len(repeats),
        "first": {name: trial.metrics[name] for name in widths},
        "interval": {name: width / len(repeats) ** 0.5 for name, width in widths.items() if width is not None},
    }
    return replace(trial, metrics=metrics, details=trial.details | {"confirmed": known})


def _width(groups: list[list[float]]) -> float | None:
    """Half the interval of a single training, from the deviations within the groups."""
    freedom = sum(len(group) - 1 for group in groups)
    if freedom < FEWEST:
        return None
    squares = sum(float(np.var(group)) * len(group) for group in groups)
    return float(stats.t.ppf((1 + LEVEL) / 2, freedom) * (squares / freedom) ** 0.5)
