"""The model of what only an evaluation tells: a Gaussian process with a linear and a smooth part.

Mean and deviation of a value for any features. Its few hyperparameters are those of greatest marginal likelihood,
fitted anew as the data grow by a tenth; they depend on the first so many trials only, so that a resumed search has the
same.
"""

import warnings

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, DotProduct, Kernel, Matern, WhiteKernel

from nas.engine.samplers._screening.encoding import Features

Values = NDArray[np.float64]
GROWTH = 1.1
FITTED = 300  # trials at most that hyperparameters are fitted to
JITTER = 1e-8
FIXED = Matern(3.0, nu=2.5) + WhiteKernel(0.1)
"""The kernel where there is too little to fit one to: of successes and failures."""


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
        return condition(linear + smooth + WhiteKernel(0.01, (1e-6, 1.0)), features, values, fit=True).kernel_


def condition(kernel: Kernel, features: Features, values: Values, fit: bool = False) -> GaussianProcessRegressor:
    """The process given standardised values at some features."""
    optimizer = "fmin_l_bfgs_b" if fit else None
    return GaussianProcessRegressor(kernel, alpha=JITTER, optimizer=optimizer).fit(features, values)


def predict(process: GaussianProcessRegressor, features: Features) -> tuple[Values, Values]:
    """Mean and standard deviation at other features."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a variance that rounds to below zero is taken as zero
        mean, deviation = process.predict(features, return_std=True)
    return np.asarray(mean), np.asarray(deviation)
