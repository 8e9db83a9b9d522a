"""The process predicts what scikit-learn's does, and its hyperparameters are fitted to the first trials alone."""

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor

from nas.engine.samplers._screening.kernel import Trend
from nas.engine.samplers._screening.process import FIXED, JITTER, fit_process, milestone, predict_process, tuned


def told(count):
    rng = np.random.default_rng(0)
    x = rng.random((400, 5))[:count]
    return x, np.sin(4 * x[:, 0]) + x[:, 1] + 0.05 * rng.standard_normal(400)[:count]


@pytest.mark.filterwarnings("ignore:divide by zero")  # the logarithm of no linear part
@pytest.mark.parametrize("kernel", [Trend(0.4, 1.2, 1.5, 0.02), FIXED])
def test_it_predicts_what_scikit_learn_does(kernel):
    (x, y), others = told(120), np.random.default_rng(1).random((50, 5))
    process = fit_process(kernel, x, y)
    theirs = GaussianProcessRegressor(kernel, alpha=JITTER, optimizer=None).fit(x, y)
    for points in (others, others[:1], x):
        mean, deviation = predict_process(process, points)
        expected, doubt = theirs.predict(points, return_std=True)
        assert mean == pytest.approx(expected, abs=1e-9)
        assert deviation == pytest.approx(doubt, abs=1e-7)


def test_hyperparameters_are_those_of_the_last_milestone_and_kept():
    kernels = {}
    first = tuned(kernels, "a", 50, told)
    assert milestone(50) <= 50 < 1.3 * milestone(50)
    assert tuned(kernels, "a", milestone(50), told) is first, "what came since changes nothing"
    assert tuned(kernels, "b", 50, told).theta == pytest.approx(first.theta)
    later = tuned(kernels, "a", 400, told)
    assert later.theta != pytest.approx(first.theta)
    assert milestone(400) <= 300
