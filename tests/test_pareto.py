"""Dominance, fronts, knee and hypervolume, against their definitions."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from nas.pareto import front, hypervolume, knee, spaced

CLOUDS = st.integers(2, 4).flatmap(
    lambda columns: st.tuples(
        arrays.arrays(np.float64, st.tuples(st.integers(1, 15), st.just(columns)), elements=st.integers(0, 6)),
        st.lists(st.booleans(), min_size=columns, max_size=columns),
    )
)


def dominates(a, b, maximize):
    better = [x > y if more else x < y for x, y, more in zip(a, b, maximize, strict=True)]
    worse = [x < y if more else x > y for x, y, more in zip(a, b, maximize, strict=True)]
    return any(better) and not any(worse)


@settings(deadline=None)
@given(CLOUDS)
def test_the_front_is_what_nothing_dominates(cloud):
    points, maximize = cloud
    kept = front(points, maximize).tolist()
    undominated = [i for i, p in enumerate(points) if not any(dominates(q, p, maximize) for q in points)]
    first_of_equals = [i for i in undominated if not any((points[i] == points[j]).all() for j in range(i))]
    assert kept == first_of_equals


@settings(deadline=None)
@given(CLOUDS)
def test_the_knee_is_on_the_front_and_stays_when_units_change(cloud):
    points, maximize = cloud
    best = points[front(points, maximize)]
    at = knee(best, maximize)
    assert at == knee(best * 8 + 4, maximize)
    assert 0 <= at < len(best)


def test_the_knee_gives_up_least():
    points = np.array([[0.5, 1.0], [0.9, 2.0], [0.95, 9.0]])
    assert knee(points, [True, False]) == 1
    assert knee(points[:1], [True, False]) == 0


@pytest.mark.parametrize(
    ("points", "reference", "maximize", "volume"),
    [
        ([[1.0, 1.0]], (0.0, 0.0), (True, True), 1.0),
        ([[1.0, 1.0]], (3.0, 2.0), (False, False), 2.0),
        ([[0.5, 2.0], [0.8, 4.0]], (0.0, 10.0), (True, False), 0.5 * 8 + 0.3 * 6),
        ([[0.5, 11.0]], (0.0, 10.0), (True, False), 0.0),
    ],
)
def test_the_hypervolume_is_the_area_up_to_the_reference(points, reference, maximize, volume):
    assert hypervolume(np.array(points), reference, maximize) == pytest.approx(volume)


def test_no_points_have_no_front_and_no_volume():
    nothing = np.empty((0, 2))
    assert front(nothing, [True, False]).tolist() == []
    assert hypervolume(nothing, (0, 0), [True, False]) == 0.0


@pytest.mark.parametrize(("count", "most"), [(0, 3), (2, 3), (3, 3), (10, 3), (11, 10), (5000, 12)])
def test_a_thinned_front_keeps_its_ends(count, most):
    kept = spaced(count, most)
    assert len(kept) == len(set(kept)) == min(count, most)
    assert kept == sorted(kept)
    if count:
        assert (kept[0], kept[-1]) == (0, count - 1)
        gaps = [after - before for before, after in pairwise(kept)]
        assert max(gaps, default=1) - min(gaps, default=1) <= 1
