"""Models of what only an evaluation tells: a Gaussian process or randomised trees, over points as numbers.

Both predict the mean and deviation of standardised values. The process has a linear and a smooth part; its few
hyperparameters are those of greatest marginal likelihood, fitted anew as the data grow by a fifth. They depend on the
first trials only, as they are known by now, so that a resumed search has the same. The trees know jumps, but no trend
beyond what they saw.
"""

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn import config_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import Kernel
from sklearn.tree import ExtraTreeRegressor

from nas.engine.objective_scale import unit
from nas.engine.samplers._screening.domains import ordered
from nas.engine.samplers._screening.kernel import Trend
from nas.engine.samplers._screening.tree import Codes, Tree
from nas.space.slot import Domain

Features = NDArray[np.float64]
Values = NDArray[np.float64]
MANY = 8  # values of a number beyond which it has no indicators
GROWTH = 1.2
GIVEN = 1000  # trials at most that a model is fitted to
FITTED = 300  # trials at most that hyperparameters are fitted to
JITTER = 1e-8
FARTHEST = 1e6  # deviations, so that no cost is infinite to a model
TREES = 20
ENOUGH = 1e-5  # of the likelihood, by which a step must better it
FIXED = Trend(linear=0.0, noise=0.1)
"""The kernel for successes and failures, which are too few to fit one to."""


def encoder(tree: Tree) -> Callable[[Codes], Features]:
    """Make the function that turns points of a tree into features `(points, features)`, looked up by decision.

    There is an indicator for each value, and for numbers their rank too. A decision that does not arise is zero in all
    of its columns.
    """
    tables = [_columns(values, np.arange(len(values) + 1)) for values in tree.domains.values()]
    sizes, widths = zip(*(table.shape for table in tables), strict=True)
    begins, widest = np.cumsum((0, *sizes[:-1])), max(widths)
    rows = np.zeros((sum(sizes), widest))
    for begin, table in zip(begins, tables, strict=True):
        rows[begin : begin + len(table), : table.shape[1]] = table
    real = np.flatnonzero(np.arange(widest) < np.array(widths)[:, None])

    def encoded(codes: Codes) -> Features:
        return np.take(rows[codes + begins].reshape(len(codes), len(tables) * widest), real, axis=1)

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


def standard(values: Values, like: Values) -> Features:
    """A column less the mean of `like`, in units of its deviation, as logarithms where both are positive throughout."""
    size = unit(like)
    ours, theirs = values / size, like / size
    if (theirs > 0).all() and (ours > 0).all():
        ours, theirs = np.log(ours), np.log(theirs)
    deviation = theirs.std() if np.ptp(theirs) else 1.0
    scaled = np.clip((ours - theirs.mean()) / (deviation or 1.0), -FARTHEST, FARTHEST)
    return np.asarray(scaled[:, None])


def describe(encoded: Features, costs: Mapping[str, Values], like: Mapping[str, Values]) -> Features:
    """The features of points: their decisions, and their costs by how those of points alike are spread."""
    return np.concatenate([encoded, *(standard(costs[name], like[name]) for name in sorted(costs))], axis=1)


def milestone(count: int) -> int:
    """The number of trials, at most `count`, that hyperparameters are fitted to."""
    reached = 4
    while (following := int(reached * GROWTH) + 1) <= min(count, FITTED):
        reached = following
    return min(reached, count)


class Fitted(NamedTuple):
    """A kernel with the data that it was fitted to."""

    features: Features
    values: Values
    kernel: Kernel


Kernels = dict[str, Fitted]
"""The kernels of one proposal by name, kept for the next."""


def tuned(kernels: Kernels, name: str, count: int, told: Callable[[int], tuple[Features, Values]]) -> Kernel:
    """The kernel fitted to what is told of the first trials, up to the last milestone, and kept in `kernels`.

    What is told of a trial changes where more trainings of it tell more.
    """
    features, values = told(milestone(count))
    kept = kernels.get(name)
    if kept is None or not (np.array_equal(kept.features, features) and np.array_equal(kept.values, values)):
        kept = kernels[name] = Fitted(features, values, fit_kernel(features, values))
    return kept.kernel


def fit_kernel(features: Features, values: Values) -> Kernel:
    """The kernel of greatest marginal likelihood for standardised values."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return fit_process(Trend(), features, values, tune=True).kernel_


def fit_process(kernel: Kernel, features: Features, values: Values, tune: bool = False) -> GaussianProcessRegressor:
    """The process given standardised values at some features. `tune` fits the kernel's hyperparameters too."""
    return GaussianProcessRegressor(kernel, alpha=JITTER, optimizer=_descend if tune else None).fit(features, values)


def _descend(loss: Callable[..., Any], start: Values, bounds: Values) -> tuple[Values, float]:
    """Find the hyperparameters of least loss as scikit-learn does by itself, but end where steps gain little."""
    found = minimize(loss, start, method="L-BFGS-B", jac=True, bounds=bounds.tolist(), options={"ftol": ENOUGH})
    return np.asarray(found.x), float(found.fun)


def predict_process(process: GaussianProcessRegressor, features: Features) -> tuple[Values, Values]:
    """Mean and standard deviation at other features."""
    with warnings.catch_warnings(), config_context(assume_finite=True):  # as the points that it was fitted to were
        warnings.simplefilter("ignore", UserWarning)  # a variance that rounds to below zero is taken as zero
        mean, deviation = process.predict(features, return_std=True)
    return np.asarray(mean), np.asarray(deviation)


def fit_trees(features: Features, values: Values) -> list[ExtraTreeRegressor]:
    """Trees fitted to one sample each of the points, with replacement, the same for the same points.

    They are what scikit-learn's `ExtraTreesRegressor` fits, which takes half as long again to make so small ones.
    """
    rng, single = np.random.default_rng(len(values)), np.asarray(features, np.float32)
    shared = np.random.RandomState(len(values))  # which takes longer to make than a tree
    trees = [ExtraTreeRegressor(max_features=0.5, random_state=shared) for _ in range(TREES)]
    for tree in trees:
        times = np.bincount(rng.integers(len(values), size=len(values)), minlength=len(values)).astype(np.float64)
        tree.fit(single, values, sample_weight=times, check_input=False)
    return trees


def predict_trees(trees: Sequence[ExtraTreeRegressor], features: Features) -> tuple[Values, Values]:
    """Mean and standard deviation of the trees' predictions."""
    single = np.asarray(features, np.float32)  # the precision in which trees compare
    predictions = np.array([tree.predict(single, check_input=False) for tree in trees])
    return predictions.mean(axis=0), predictions.std(axis=0)
