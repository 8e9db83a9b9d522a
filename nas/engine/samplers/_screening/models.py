"""Models of what only an evaluation tells: a Gaussian process or randomised trees, over points as numbers.

Both predict the mean and deviation of standardised values. The process has a linear and a smooth part; its few
hyperparameters are those of greatest marginal likelihood, fitted anew as the data grow by a tenth. They depend on the
first trials only, so that a resumed search has the same. The trees know jumps, but no trend beyond what they saw.
"""

import warnings

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, DotProduct, Kernel, Matern, WhiteKernel

from nas.engine.samplers._screening.tree import Codes, Tree
from nas.space.space import Domain

Features = NDArray[np.float64]
Values = NDArray[np.float64]
MANY = 8  # values of a number beyond which it has no indicators
GROWTH = 1.1
FITTED = 300  # trials at most that hyperparameters are fitted to
JITTER = 1e-8
TREES = 60
FIXED = Matern(3.0, nu=2.5) + WhiteKernel(0.1)
"""The kernel for successes and failures, which are too few to fit one to."""


def encode(tree: Tree, codes: Codes) -> Features:
    """Features of points `(points, features)`: an indicator for each value, and for numbers their rank too.

    A decision that does not arise is zero in all of its columns.
    """
    return np.concatenate([_columns(d)[codes[:, j]] for j, d in enumerate(tree.domains.values())], axis=1)


def _columns(values: Domain) -> Features:
    """The features of each code of a decision, the rank alone for a number of more than MANY values.

    Ranks fit because people space the numbers of a list evenly, by ratio or difference.
    """
    indicators = np.vstack([np.zeros(len(values)), np.eye(len(values))])
    if len(values) < 3 or any(isinstance(v, bool | str) or v is None for v in values):
        return indicators
    ranks = np.argsort(np.argsort(np.array(values, np.float64)))
    scale = np.r_[0.0, ranks / (len(values) - 1) * 2 - 1][:, None]
    return 2 * scale if len(values) > MANY else np.hstack([indicators, scale])


def standard(values: Features, like: Features) -> Features:
    """Columns less the mean of `like`, in units of its deviation, as logarithms where both are positive throughout."""
    positive = (like > 0).all(axis=0) & (values > 0).all(axis=0)
    ours, theirs = (np.where(positive, np.log(np.where(positive, v, 1.0)), v) for v in (values, like))
    deviation = theirs.std(axis=0)
    return np.asarray((ours - theirs.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0))


def milestone(count: int) -> int:
    """The number of trials, at most `count`, that hyperparameters are fitted to."""
    reached = 4
    while (following := int(reached * GROWTH) + 1) <= min(count, FITTED):
        reached = following
    return min(reached, count)


def fit_kernel(features: Features, values: Values) -> Kernel:
    """The kernel of greatest marginal likelihood for standardised values."""
    amplitude = (1e-4, 1e3)
    linear = ConstantKernel(0.1, amplitude) * DotProduct(1e-3, sigma_0_bounds="fixed")
    smooth = ConstantKernel(1.0, amplitude) * Matern(3.0, (0.3, 100.0), nu=2.5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return fit_process(linear + smooth + WhiteKernel(0.01, (1e-6, 1.0)), features, values, tune=True).kernel_


def fit_process(kernel: Kernel, features: Features, values: Values, tune: bool = False) -> GaussianProcessRegressor:
    """The process given standardised values at some features. `tune` fits the kernel's hyperparameters too."""
    optimizer = "fmin_l_bfgs_b" if tune else None
    return GaussianProcessRegressor(kernel, alpha=JITTER, optimizer=optimizer).fit(features, values)


def predict_process(process: GaussianProcessRegressor, features: Features) -> tuple[Values, Values]:
    """Mean and standard deviation at other features."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a variance that rounds to below zero is taken as zero
        mean, deviation = process.predict(features, return_std=True)
    return np.asarray(mean), np.asarray(deviation)


def fit_trees(features: Features, values: Values) -> ExtraTreesRegressor:
    """Trees fitted to one sample each of the points, with replacement, the same for the same points."""
    trees = ExtraTreesRegressor(TREES, max_features=0.5, bootstrap=True, random_state=len(values))
    return trees.fit(features, values)


def predict_trees(trees: ExtraTreesRegressor, features: Features) -> tuple[Values, Values]:
    """Mean and standard deviation of the trees' predictions."""
    single = np.asarray(features, np.float32)  # the precision in which trees compare
    predictions = np.array([tree.predict(single, check_input=False) for tree in trees.estimators_])
    return predictions.mean(axis=0), predictions.std(axis=0)
