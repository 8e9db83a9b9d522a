"""Points as numbers, and randomised trees over them, one of the models of what only an evaluation tells.

Trees predict the mean and deviation of standardised values, as the Gaussian process does (`process.py`). They know
jumps, but no trend beyond what they saw.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn import config_context
from sklearn.tree import ExtraTreeRegressor

from nas.engine.objective_scale import unit
from nas.engine.samplers._screening.domains import ordered
from nas.engine.samplers._screening.tree import Codes, Tree
from nas.space.slot import Domain

Features = NDArray[np.float64]
Values = NDArray[np.float64]
MANY = 8  # values of a number beyond which it has no indicators
GIVEN = 1000  # trials at most that a model is fitted to
FARTHEST = 1e6  # deviations, so that no cost is infinite to a model
TREES = 20


def encoder(tree: Tree) -> Callable[[Codes], Features]:
    """Make the function that turns points of a tree into features `(points, features)`, looked up by decision.

    There is an indicator for each value, and for numbers their rank too. A decision that does not arise is zero in all
    of its columns.
    """
    tables = [_columns(values, np.arange(len(values) + 1)) for values in tree.domains.values()]
    decision = np.repeat(np.arange(len(tables)), [table.shape[1] for table in tables])
    flat = np.concatenate([table.T.ravel() for table in tables])  # column after column
    begins = np.cumsum([0, *(len(tables[i]) for i in decision)])[:-1]

    def encoded(codes: Codes) -> Features:
        return np.asarray(flat[codes[:, decision] + begins])

    return encoded


def _columns(values: Domain, codes: NDArray[np.integer]) -> Features:
    """The features of one decision's codes, the rank alone for a number of more than MANY values.

    Ranks fit because people space the numbers of a list evenly, by ratio or difference.
    """
    scale: Features | None = _ranks(values)[codes][:, None] if len(values) >= 3 and ordered(values) else None
    if scale is not None and len(values) > MANY:
        return np.asarray(2 * scale)
    indicators = (codes[:, None] == np.arange(1, len(values) + 1)).astype(np.float64)
    return indicators if scale is None else np.hstack([indicators, scale])


def _ranks(values: Domain) -> Values:
    """The rank of each code's number, from -1 to 1, and 0 for a decision that does not arise."""
    ranks = np.argsort(sorted(range(len(values)), key=values.__getitem__))
    return np.asarray(np.r_[0.0, ranks / (len(values) - 1) * 2 - 1])


@dataclass(frozen=True)
class Spread:
    """How a cost is spread over points, as far as it is finite: in its unit, mean and deviation.

    Those of the logarithms stand in `logs` where all are positive.
    """

    unit: float
    plain: tuple[float, float]
    logs: tuple[float, float] | None

    @classmethod
    def of(cls, values: Values) -> "Spread":
        """The spread of a column."""
        finite = values[np.isfinite(values)]
        finite = finite if len(finite) else np.zeros(1)
        size = unit(finite)
        scaled = finite / size
        return cls(size, _moments(scaled), _moments(np.log(scaled)) if (scaled > 0).all() else None)

    def standard(self, values: Values) -> Features:
        """A column less the mean, in deviations, as logarithms where all is positive."""
        scaled, moments = values / self.unit, self.plain
        if self.logs and (scaled > 0).all():
            scaled, moments = np.log(scaled), self.logs
        mean, deviation = moments
        return np.asarray(np.clip((scaled - mean) / deviation, -FARTHEST, FARTHEST)[:, None])


def _moments(values: Values) -> tuple[float, float]:
    deviation = values.std() if np.ptp(values) else 1.0
    return float(values.mean()), float(deviation or 1.0)


def spreads(costs: Mapping[str, Values]) -> dict[str, Spread]:
    """The spread of each cost."""
    return {name: Spread.of(values) for name, values in costs.items()}


def describe(encoded: Features, costs: Mapping[str, Values], like: Mapping[str, Spread]) -> Features:
    """The features of points: their decisions, and their costs by how those of points alike are spread."""
    return np.concatenate([encoded, *(like[name].standard(costs[name]) for name in sorted(costs))], axis=1)


def fit_trees(features: Features, values: Values) -> list[ExtraTreeRegressor]:
    """Trees fitted to one sample each of the points, with replacement, the same for the same points.

    They are what scikit-learn's `ExtraTreesRegressor` fits, which takes half as long again to make so small ones.
    """
    rng, single = np.random.default_rng(len(values)), np.asarray(features, np.float32)
    shared = np.random.RandomState(len(values))  # which takes longer to make than a tree
    trees = [ExtraTreeRegressor(max_features=0.5, random_state=shared) for _ in range(TREES)]
    with config_context(skip_parameter_validation=True, assume_finite=True):  # checks of each tree take a fifth longer
        for tree in trees:
            times = np.bincount(rng.integers(len(values), size=len(values)), minlength=len(values)).astype(np.float64)
            tree.fit(single, values, sample_weight=times, check_input=False)
    return trees


def predict_trees(trees: Sequence[ExtraTreeRegressor], features: Features) -> tuple[Values, Values]:
    """Mean and standard deviation of the trees' predictions."""
    single = np.asarray(features, np.float32)  # the precision in which trees compare
    predictions = np.array([tree.tree_.predict(single)[:, 0] for tree in trees])
    return predictions.mean(axis=0), predictions.std(axis=0)
