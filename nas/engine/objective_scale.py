"""Put losses on an even, standardised scale for a model, and its predictions back in their units."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import skew

Values = NDArray[np.float64]
FIRST, REACH = 25, 3.0  # beyond REACH times the distance from the best to the median of the FIRST, all count alike
MOST = 1.0  # the greatest deviation of a logarithm to believe


@dataclass(frozen=True)
class Scale:
    """The loss itself, or its logarithm above a `floor`, less `centre`, in units of `size`."""

    floor: float | None
    centre: float
    size: float

    @classmethod
    def of(cls, loss: Values, floor: float | None) -> "Scale":
        """The scale on which these losses have mean 0 and deviation 1."""
        raised = loss if floor is None else np.log(loss - floor)
        return cls(floor, float(raised.mean()), float(raised.std()) or 1.0)

    def apply(self, loss: Values) -> Values:
        """Losses on the scale."""
        raised = loss if self.floor is None else np.log(loss - self.floor)
        return np.asarray((raised - self.centre) / self.size)

    def undo(self, mean: Values, deviation: Values) -> tuple[Values, Values]:
        """Mean and deviation of the loss, log-normal above a floor."""
        mean, deviation = mean * self.size + self.centre, deviation * self.size
        if self.floor is None:
            return mean, deviation
        deviation = np.minimum(deviation, MOST)
        mean = np.exp(mean + deviation**2 / 2)
        return mean + self.floor, mean * np.sqrt(np.expm1(deviation**2))


def worst(loss: Values) -> float:
    """The worst loss that matters: `REACH` times as far from the best as the median of the first trials."""
    best, middle = float(loss.min()), float(np.median(loss[:FIRST]))
    return min(float(loss.max()), best + REACH * (middle - best)) if middle > best else float(loss.max())


def even(loss: Values) -> float | None:
    """The floor 0 for a loss that is positive and less skewed by its logarithm, as costs are, else None."""
    if np.ptp(loss) == 0 or (loss <= 0).any():
        return None
    return 0.0 if abs(float(skew(np.log(loss)))) < abs(float(skew(loss))) else None


def spread_best(loss: Values) -> float | None:
    """A floor that tells the best losses apart: as far below the best as the median of the first trials is above."""
    best, middle = float(loss.min()), float(np.median(loss[:FIRST]))
    return best - (middle - best) if middle > best else None
