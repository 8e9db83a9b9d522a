"""Two small regressions, from measured blocks and whole networks to the milliseconds of any network.

The first fills in blocks that were not measured, by their options, sizes and counts. The second corrects the sum of a
network's blocks by the times of whole networks, whose blocks share caches and, in some runtimes, operators.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nas.costs.counts import count
from nas.errors import SettingError
from nas.network.options import Scalar
from nas.network.pieces import Piece

if TYPE_CHECKING:  # scikit-learn and scipy.stats take a second to import, and most commands predict nothing
    from sklearn.pipeline import Pipeline

Vector = NDArray[np.float64]
Pieces = tuple[Piece, ...]

PENALTIES = np.logspace(-4, 3, 15)
FEWEST_BLOCKS = 20  # measured ones, to fill in others by
FOLDS = 8
FEWEST = 8  # networks, to predict others by and to tell the error
LEAST = 0.5  # of the fastest measured network, as a search would find networks predicted impossibly fast


@dataclass(frozen=True)
class Error:
    """The error of predictions for networks held out, in shares of the measurement.

    `median` and `high` (the 90th percentile) are of the absolute error; nine networks of ten exceed their prediction by
    `above` at most; `tau` is Kendall's rank correlation.
    """

    networks: int
    median: float
    high: float
    above: float
    tau: float


@dataclass(frozen=True)
class Regression:
    """Both regressions, fitted to the milliseconds of whole networks, and of blocks if there are any."""

    blocks: Mapping[Piece, float]
    networks: Sequence[Pieces]
    times: Sequence[float]
    _shares: dict[Piece, float] = field(default_factory=dict, repr=False, compare=False)

    def predict(self, network: Sequence[Piece]) -> float:
        """Predict the milliseconds of a network by its pieces."""
        return float(self.total(self.shares(network).sum(keepdims=True))[0])

    def shares(self, pieces: Sequence[Piece]) -> Vector:
        """Return the milliseconds that each piece adds to a network, which are kept."""
        if missing := [piece for piece in dict.fromkeys(pieces) if piece not in self._shares]:
            shares = (self._vectors(missing) * self._weights[:-1]).sum(axis=1)  # the same in whatever company
            self._shares.update(zip(missing, shares.tolist(), strict=True))
        return np.array([self._shares[piece] for piece in pieces], np.float64)

    def total(self, sums: Vector) -> Vector:
        """Return the milliseconds of networks, given the sums over their pieces."""
        return np.asarray(np.maximum(sums + self._weights[-1], self._least), np.float64)

    @cached_property
    def _least(self) -> float:
        return LEAST * min(self.times)

    @cached_property
    def kinds(self) -> list[tuple[str, str]]:
        """The kinds of the measured pieces, each with its part of a network."""
        seen = [*self.blocks, *(piece for network in self.networks for piece in network)]
        return sorted({(piece.part, piece.kind) for piece in seen})

    @cached_property
    def _fill(self) -> "Pipeline | None":
        """The regression of the logarithm of a block's milliseconds on its description."""
        from sklearn.linear_model import RidgeCV
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import PolynomialFeatures, StandardScaler

        if len(self.blocks) < FEWEST_BLOCKS:
            return None
        model = make_pipeline(StandardScaler(), PolynomialFeatures(2), RidgeCV(PENALTIES))
        return model.fit(self._descriptions(list(self.blocks)), np.log(list(self.blocks.values())))

    @cached_property
    def _weights(self) -> Vector:
        """The weights of a network's features, from ridge regression on relative errors."""
        from sklearn.linear_model import RidgeCV

        pieces = list(dict.fromkeys(piece for network in self.networks for piece in network))
        place = {piece: i for i, piece in enumerate(pieces)}
        vectors = self._vectors(pieces)
        sums = [np.append(vectors[[place[piece] for piece in network]].sum(axis=0), 1.0) for network in self.networks]
        rows = np.array(sums) / np.array(self.times)[:, None]
        scale = np.sqrt((rows**2).mean(axis=0)) + 1e-12
        model = RidgeCV(PENALTIES, fit_intercept=False).fit(rows / scale, np.ones(len(rows)))
        weights: Vector = model.coef_ / scale
        return weights

    def _vectors(self, pieces: Sequence[Piece]) -> Vector:
        """Each piece's part of a network's features: 1, its counts, and its time or, without times, its kind."""
        found = [count(piece) for piece in pieces]
        counts = np.array([[1.0, one.operators, one.macs, one.traffic, one.params] for one in found])
        kinds = self._kinds(pieces)
        if self._fill is None:
            return np.hstack([counts, kinds])
        times = self._times(pieces)[:, None]
        return np.hstack([counts, times, times * kinds])

    def _times(self, pieces: Sequence[Piece]) -> Vector:
        """The milliseconds of blocks, measured or filled in."""
        times = np.array([self.blocks.get(piece, np.nan) for piece in pieces], np.float64)
        missing = np.isnan(times)
        if self._fill is not None and missing.any():
            unknown = [piece for piece, lacks in zip(pieces, missing, strict=True) if lacks]
            features, ridge = self._fill[:-1].transform(self._descriptions(unknown)), self._fill[-1]
            times[missing] = np.exp((features * ridge.coef_).sum(axis=1) + ridge.intercept_)
        return times

    def _kinds(self, pieces: Sequence[Piece]) -> Vector:
        return np.array([[(piece.part, piece.kind) == kind for kind in self.kinds] for piece in pieces], np.float64)

    def _descriptions(self, pieces: Sequence[Piece]) -> Vector:
        """Describe blocks by kind, options, site and counts, as counts alone seldom show an option's cost."""
        return np.hstack([self._kinds(pieces), [self._description(piece) for piece in pieces]])

    def _description(self, piece: Piece) -> list[float]:
        found, options = count(piece), {(piece.kind, *option) for option in piece.options}
        sizes = (found.operators, found.macs, found.traffic, found.params, piece.shape[0], piece.shape[-1], piece.width)
        chosen = [float(option in options) for option in self._options]
        return [*chosen, *np.log1p(sizes), piece.stride, piece.index, piece.depth]

    @cached_property
    def _options(self) -> list[tuple[str, str, Scalar]]:
        """The options of the measured blocks, each with its value."""
        return sorted({(piece.kind, *option) for piece in self.blocks for option in piece.options}, key=str)


def check_number(networks: int) -> None:
    """Raise SettingError for too few networks to predict others by."""
    if networks < FEWEST:
        raise SettingError(f"a predictor needs the times of {FEWEST} networks, found {networks}")


def cross_validate(regression: Regression) -> Error:
    """Compute the error on networks held out together with the blocks that no other network has."""
    from sklearn.model_selection import KFold

    times, found = np.array(regression.times), np.zeros(len(regression.times))
    folds = KFold(min(FOLDS, len(times)), shuffle=True, random_state=0)
    for kept, out in folds.split(times):
        rest = _part(regression, kept, out)
        found[out] = [rest.predict(regression.networks[i]) for i in out]
    return error_of(found, times)


def error_of(predicted: Vector, measured: Vector) -> Error:
    """Compare predictions with measurements, in milliseconds."""
    from scipy.stats import kendalltau

    off = np.abs(predicted / measured - 1)
    return Error(
        networks=len(measured),
        median=float(np.median(off)),
        high=float(np.quantile(off, 0.9)),
        above=float(max(np.quantile(measured / predicted - 1, 0.9), 0.0)),
        tau=float(kendalltau(predicted, measured).statistic),
    )


def _part(regression: Regression, kept: NDArray[np.intp], out: NDArray[np.intp]) -> Regression:
    networks = [regression.networks[i] for i in kept]
    seen = {piece for network in networks for piece in network}
    hidden = {piece for i in out for piece in regression.networks[i]} - seen
    blocks = {piece: ms for piece, ms in regression.blocks.items() if piece not in hidden}
    return Regression(blocks, networks, [regression.times[i] for i in kept])
