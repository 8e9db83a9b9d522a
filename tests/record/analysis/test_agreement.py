"""How alike two quantities rank networks, and how sure that is."""

import numpy as np
import pytest
from scipy.stats import kendalltau

from nas.record.analysis.agreement import agreement


def test_the_interval_is_that_of_draws_compared_one_by_one() -> None:
    """With values that are equal, and some that are not known, which rank below all others."""
    rng = np.random.default_rng(1)
    truth = rng.normal(size=12).round(1)
    cheap = (truth + rng.normal(size=12)).round()
    cheap[[2, 7]] = -np.inf
    rows = np.random.default_rng(0).integers(0, 12, (200, 12))
    taus = [kendalltau(cheap[drawn], truth[drawn]).statistic for drawn in rows]
    found = agreement(cheap, truth, 200)
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(taus, [0.025, 0.975])))


def test_draws_in_which_all_are_equal_count_as_no_agreement() -> None:
    """To leave them out made the interval shut out zero, and with it one lucky network a ranking."""
    found = agreement(np.array([0.9] * 5 + [0.93]), np.arange(6.0))
    assert found.low <= 0 < found.tau <= found.high
