"""How alike two quantities rank networks: Kendall's tau with its interval, and Spearman's rho."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nas.training.chance import LEVEL

DRAWS = 1000
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Agreement:
    """Kendall's tau with its 95 % interval by bootstrap over networks, and Spearman's rho."""

    tau: float
    low: float
    high: float
    rho: float

    def __str__(self) -> str:
        return f"{self.tau:z.2f} ({self.low:z.2f} to {self.high:z.2f})"


def agreement(cheap: Values, truth: Values, resamples: int = DRAWS) -> Agreement:
    """Compare two rankings of the same networks."""
    from scipy.stats import kendalltau, spearmanr

    rng = np.random.default_rng(0)
    taus = _taus(cheap, truth, rng.integers(0, len(truth), (resamples, len(truth))))
    low, high = -1.0, 1.0
    if not np.isnan(taus).all():  # a draw in which all are equal tells nothing, and to leave it out would flatter
        low, high = np.quantile(np.nan_to_num(taus), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    varies = all(len(np.unique(values)) > 1 for values in (cheap, truth))
    tau, rho = kendalltau(cheap, truth).statistic, spearmanr(cheap, truth).statistic if varies else 0.0
    return Agreement(*(float(np.nan_to_num(value)) for value in (tau, low, high, rho)))


def _taus(cheap: Values, truth: Values, draws: NDArray[np.int64]) -> Values:
    """Return Kendall's tau-b of each draw `(draws, networks)` of rows, all at once; nan where all in it are equal."""
    often = np.stack([np.bincount(rows, minlength=len(truth)) for rows in draws]).astype(np.float32)
    with np.errstate(invalid="ignore"):  # of two that are both -inf, none is above
        x, y = (np.sign(np.nan_to_num(values[:, None] - values)).astype(np.float32) for values in (cheap, truth))
    right, of_x, of_y = (np.einsum("ij,ij->i", often @ pairs, often, dtype=float) for pairs in (x * y, x * x, y * y))
    with np.errstate(invalid="ignore"):
        return np.asarray(right / np.sqrt(of_x * of_y))
