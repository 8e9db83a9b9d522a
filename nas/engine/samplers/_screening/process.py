"""The Gaussian process, one of the models of what only an evaluation tells.

It has a linear and a smooth part. Its few hyperparameters are those of greatest marginal likelihood, fitted anew as the
data grow by a fifth. They depend on the first trials only, as they are known by now, so that a resumed search has the
same.

scikit-learn fits them. The process itself is made and asked here, since a proposal asks it for some 1,600 points: with
the inverse of the Cholesky factor at hand an answer is a product of matrices, a third of the time of solving for it.
"""

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cholesky
from scipy.linalg.blas import dtrmm
from scipy.linalg.lapack import dtrtri
from scipy.optimize import minimize
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import Kernel

from nas.engine.samplers._screening.kernel import Trend

Features = NDArray[np.float64]
Values = NDArray[np.float64]
GROWTH = 1.2
FITTED = 300  # trials at most that hyperparameters are fitted to
JITTER = 1e-8
ENOUGH = 1e-5  # of the likelihood, by which a step must better it
FIXED = Trend(linear=0.0, noise=0.1)
"""The kernel for successes and failures, which are too few to fit one to."""


class Process(NamedTuple):
    """A Gaussian process given values at some features: their weights, and the inverse of the Cholesky factor."""

    kernel: Kernel
    features: Features
    weights: Values
    inverse: Values


def fit_process(kernel: Kernel, features: Features, values: Values) -> Process:
    """The process of a kernel, given standardised values at some features (Rasmussen and Williams, 2006, 2.1)."""
    covariance = kernel(features)
    covariance[np.diag_indices_from(covariance)] += JITTER
    factor = cholesky(covariance, lower=True, overwrite_a=True, check_finite=False)
    inverse = dtrtri(factor, lower=1)[0]
    return Process(kernel, features, inverse.T @ (inverse @ values), inverse)


def predict_process(process: Process, features: Features) -> tuple[Values, Values]:
    """Mean and standard deviation at other features."""
    shared = process.kernel(features, process.features)
    mean = shared @ process.weights
    known = dtrmm(1.0, process.inverse, shared.T, lower=1, overwrite_b=1)
    variance = process.kernel.diag(features) - np.einsum("ij,ij->j", known, known)
    return mean, np.sqrt(np.maximum(variance, 0.0))


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
        process = GaussianProcessRegressor(Trend(), alpha=JITTER, optimizer=_descend)
        return process.fit(features, values).kernel_


def _descend(loss: Callable[..., Any], start: Values, bounds: Values) -> tuple[Values, float]:
    """Find the hyperparameters of least loss as scikit-learn does by itself, but end where steps gain little."""
    found = minimize(loss, start, method="L-BFGS-B", jac=True, bounds=bounds.tolist(), options={"ftol": ENOUGH})
    return np.asarray(found.x), float(found.fun)
