"""Put an objective's values, of which less is better, on an even scale for a model, and its predictions back."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
FIRST, REACH = 25, 3.0  # REACH times the distance from the best to the median of the FIRST: all beyond count alike
MOST = 1.0  # the greatest deviation of a logarithm to believe


@dataclass(frozen=True)
class Scale:
    """The value itself, or its logarithm above a `floor`, less `centre`, in units of `size`."""

    floor: float | None
    centre: float
    size: float

    @classmethod
    def of(cls, values: Values, floor: float | None) -> "Scale":
        """Return the scale on which these values have mean 0 and deviation 1."""
        raised = values if floor is None else np.log(values - floor)
        return cls(floor, float(raised.mean()), _deviation(raised) or 1.0)

    def apply(self, values: Values) -> Values:
        """Bring values onto the scale."""
        raised = values if self.floor is None else np.log(values - self.floor)
        return np.asarray((raised - self.centre) / self.size)

    def undo(self, mean: Values, deviation: Values) -> tuple[Values, Values]:
        """Bring mean and deviation back to the values' unit, as log-normal above a floor."""
        mean, deviation = mean * self.size + self.centre, deviation * self.size
        if self.floor is None:
            return mean, deviation
        deviation = np.minimum(deviation, MOST)
        mean = np.exp(mean + deviation**2 / 2)
        return mean + self.floor, mean * np.sqrt(np.expm1(deviation**2))


def unit(values: Values) -> float:
    """Return the power of two at the size of the largest value: divided by it, no values overflow or lose a digit."""
    largest = float(np.abs(values).max(initial=0.0))
    return math.ldexp(1.0, math.frexp(largest)[1] - 1) if largest else 1.0


def worst(values: Values) -> float:
    """Return the worst value that matters: `REACH` times as far from the best as the median of the first trials."""
    best, middle = float(values.min()), float(np.median(values[:FIRST]))
    return min(float(values.max()), best + REACH * (middle - best)) if middle > best else float(values.max())


def _deviation(values: Values) -> float:
    return float(values.std()) if np.ptp(values) else 0.0  # equal values may round to another mean


def _skew(values: Values) -> float:
    """Return the third standardised moment, 0 for values too near each other to have one, where scipy's would warn."""
    deviation = _deviation(values)
    return float((((values - values.mean()) / deviation) ** 3).mean()) if deviation else 0.0


def even(values: Values) -> float | None:
    """Return the floor 0 for positive values with less skewed logarithms, as costs are, else None."""
    if np.ptp(values) == 0 or (values <= 0).any():
        return None
    return 0.0 if abs(_skew(np.log(values))) < abs(_skew(values)) else None


def spread_best(values: Values) -> float | None:
    """Return a floor that tells the best apart: as far below the best as the median of the first trials is above it."""
    best, middle = float(values.min()), float(np.median(values[:FIRST]))
    floor = best - (middle - best)
    return floor if floor < best else None  # it may round to the best
