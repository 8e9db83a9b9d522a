"""What networks would reach on the last rung, from what they reached so far.

A training of the last rung is many times as long as one of the first, which all networks have. How values rise from one
rung to the next is learnt from the networks that were on both, by a linear model of the value and the costs: the
auto-regressive step of "Predicting the Output from a Complex Computer Code When Fast Approximations Are Available"
(Kennedy and O'Hagan, Biometrika 87, 2000), whose deviation holds the noise of the trainings too.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

Values = NDArray[np.float64]
FEW = 6  # networks on both rungs, below which all are taken to rise alike
BELIEF = 3.0  # the number of observations that the first guess of a deviation counts for
LEAST = -0.5  # the least slope of a rise over its value: the promoted are too alike to tell that a lead shrinks by more
GUESS = 0.5  # that guess, in deviations of all values on the first rung
EDGE = 1e-3  # the least distance of a share from 0 and 1 that tells anything


@dataclass(frozen=True)
class Reach:
    """Values on the last rung, each of networks `(networks,)`.

    `doubt` is the standard deviation by which further trainings would move the value: those up to the last rung or, on
    the last, one from another seed.
    """

    value: Values
    doubt: Values


def reach(values: Values, costs: Values, repeats: Mapping[int, Sequence[float]], *, share: bool) -> Reach:
    """Predict what networks reach on the last rung.

    `values` `(networks, rungs)` are NaN above the highest rung of each, `costs` `(networks, costs)`, `repeats` the
    values of the further trainings from other seeds, by the row of the network, which take the place of the first. A
    `share`, as an accuracy is, rises on a logistic scale, so that none is expected beyond 1.
    """
    raised, costs = logit(values.clip(EDGE, 1 - EDGE)) if share else values, _even(costs)
    guess = GUESS * float(raised[:, 0].std()) if len(values) else 0.0
    steps = [_Rise.of(raised[:, i], raised[:, i + 1], costs, guess) for i in range(values.shape[1] - 1)]
    found = Reach(*np.zeros((2, len(values))))
    rungs = np.isfinite(values).sum(axis=1) - 1
    found.value[:] = values[:, -1]
    for rung in range(len(steps)):
        at = rungs == rung
        value, doubt = _climb(raised[at, rung], costs[at], steps[rung:])
        found.value[at] = _beyond(values[at, rung], expit(value)) if share else value
        found.doubt[at] = doubt * expit(value) * expit(-value) if share else doubt
    _confirm(found, values[:, -1], repeats, steps[-1].deviation if steps else guess, share)
    return found


def _beyond(own: Values, reached: Values) -> Values:
    """Return what shares come to, given what their nearest within the edges do: those beyond keep their distance."""
    above = np.where(own > 1 - EDGE, 1 - (1 - reached) * (1 - own) / EDGE, reached)
    return np.where(own < EDGE, reached * own / EDGE, above)


def _confirm(found: Reach, last: Values, repeats: Mapping[int, Sequence[float]], guess: float, share: bool) -> None:
    """Fill in networks on the last rung: the means of trainings from other seeds, and what one more would change.

    `guess` is the deviation between trainings before there are any from other seeds, of shares on the logistic scale.
    """
    on_top = np.flatnonzero(np.isfinite(last))
    guess = guess * float((last * (1 - last))[on_top].mean()) if share and len(on_top) else guess
    noise = _noise(repeats.values(), guess)
    found.doubt[on_top] = noise * 2**0.5  # the first from another seed takes the place of the own
    for i in repeats.keys() & set(on_top.tolist()):
        count = len(repeats[i])
        found.value[i], found.doubt[i] = np.mean(repeats[i]), noise * (1 / count - 1 / (count + 1)) ** 0.5


@dataclass(frozen=True)
class _Rise:
    """How values rise from one rung to the next: by `rise` at the mean of the features, and so much a feature."""

    mean: Values
    rise: float
    slopes: Values
    deviation: float

    @classmethod
    def of(cls, before: Values, after: Values, costs: Values, guess: float) -> "_Rise":
        """Learn from the networks that were on both rungs."""
        both = np.isfinite(before) & np.isfinite(after)
        features, rises = np.column_stack([before, costs])[both], (after - before)[both]
        count, width = features.shape
        if count < FEW:
            rise = float(rises.mean()) if count else 0.0
            return cls(np.zeros(width), rise, np.zeros(width), _believed(rises - rise, guess))
        from sklearn.linear_model import BayesianRidge  # takes a second to import, and few runs have rungs

        size = np.where(features.std(axis=0) > 0, features.std(axis=0), 1.0)
        mean = features.mean(axis=0)
        unit = float(rises.std()) or 1.0
        model = BayesianRidge().fit((features - mean) / size, rises / unit)
        slopes = unit * model.coef_ / size
        slopes[0] = max(slopes[0], LEAST)
        rise = unit * float(model.intercept_)
        errors = rises - rise - (features - mean) @ slopes
        return cls(mean, rise, slopes, _believed(errors * (count / max(count - width, 1)) ** 0.5, guess))

    def up(self, values: Values, costs: Values) -> Values:
        """Return the values on the next rung."""
        return values + self.rise + (np.column_stack([values, costs]) - self.mean) @ self.slopes


def _climb(values: Values, costs: Values, steps: list[_Rise]) -> tuple[Values, float]:
    """Follow values up: what they come to, and their deviation."""
    variance = 0.0
    for step in steps:
        values, variance = step.up(values, costs), variance * (1 + step.slopes[0]) ** 2 + step.deviation**2
    return values, variance**0.5


def _believed(errors: Values, guess: float) -> float:
    """Estimate a deviation from errors, of which a few say less than the guess."""
    return float(np.sqrt((np.sum(errors**2) + BELIEF * guess**2) / (len(errors) + BELIEF)))


def _noise(repeats: Iterable[Sequence[float]], guess: float) -> float:
    """Estimate the deviation between trainings of one network from other seeds."""
    groups = [group for group in repeats if len(group) > 1]
    errors = [value - np.mean(group) for group in groups for value in group]
    freedom = sum(len(group) - 1 for group in groups)
    return float(np.sqrt((np.sum(np.square(errors)) + BELIEF * guess**2) / (freedom + BELIEF)))


def _even(costs: Values) -> Values:
    """Bring positive costs onto a logarithmic scale."""
    return np.where((costs > 0).all(axis=0), np.log(np.maximum(costs, np.finfo(float).tiny)), costs)
