"""The kernel of the process: scikit-learn's own add up to the same."""

import numpy as np
import pytest
from sklearn.gaussian_process.kernels import ConstantKernel, DotProduct, Matern, WhiteKernel

from nas.engine.samplers._screening.kernel import Trend


def test_it_is_the_sum_that_scikit_learn_computes_part_by_part() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.random((30, 7)), rng.random((11, 7))
    linear = ConstantKernel(0.3) * DotProduct(1e-3, sigma_0_bounds="fixed")
    parts = linear + ConstantKernel(2.0) * Matern(1.7, nu=2.5) + WhiteKernel(0.02)
    ours = Trend(0.3, 2.0, 1.7, 0.02)
    assert ours.theta == pytest.approx(parts.theta)
    assert ours(x, y) == pytest.approx(parts(x, y))
    assert ours.diag(x) == pytest.approx(parts.diag(x))
    for found, wanted in zip(ours(x, eval_gradient=True), parts(x, eval_gradient=True), strict=True):
        assert found == pytest.approx(wanted, abs=1e-12)
