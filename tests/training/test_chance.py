"""What chance alone gives."""

from math import comb

import numpy as np
import pytest
from scipy.stats import binomtest

from nas.training.chance import apart, so_many, wilson


@pytest.mark.parametrize(("hits", "count"), [(0, 5), (5, 5), (17, 40)])
def test_the_interval_is_wilsons(hits: int, count: int) -> None:
    assert wilson(hits, count) == pytest.approx(binomtest(hits, count).proportion_ci(0.95, "wilson"))
    z, share = 1.959964, hits / count
    centre = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z / (1 + z**2 / count) * np.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    assert wilson(hits, count) == pytest.approx((centre - half, centre + half), abs=1e-6)


def test_nothing_is_known_of_nothing() -> None:
    assert wilson(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(("hits", "count", "share"), [(0, 4, 0.5), (4, 4, 0.5), (7, 10, 1 / 3), (3, 9, 0.9)])
def test_the_chance_of_so_many_is_the_binomials_upper_tail(hits: int, count: int, share: float) -> None:
    tail = sum(comb(count, k) * share**k * (1 - share) ** (count - k) for k in range(hits, count + 1))
    assert so_many(hits, count, share) == pytest.approx(tail)


def test_how_far_counts_are_apart_is_fishers_test_of_the_tea_tasting_lady() -> None:
    assert apart(3, 4, 1, 4) == pytest.approx(17 / 70)
