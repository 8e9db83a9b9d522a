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

VALUES = st.floats(1e-3, 1e6).map(lambda value: float(f"{value:.3g}"))  # as far apart as measurements


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
@given(CLOUDS, st.data())
def test_the_knee_is_on_the_front_and_stays_when_units_change_or_worse_points_come(cloud, data):
    points, maximize = cloud
    costs = data.draw(st.lists(st.booleans(), min_size=len(maximize), max_size=len(maximize)))
    best = points[front(points, maximize)]
    at = knee(best, maximize, costs)
    assert 0 <= at < len(best)
    assert at == knee(best * [8, 0.25, 1024, 2][: len(maximize)], maximize, costs), "other units"
    worse = best[0] - np.where(maximize, 1, -1) * (np.arange(len(maximize)) == 0)
    more = np.vstack([points, worse])
    assert (more[front(more, maximize)][knee(more[front(more, maximize)], maximize, costs)] == best[at]).all()


@settings(deadline=None)
@given(arrays.arrays(np.float64, st.tuples(st.integers(2, 9), st.just(3)), elements=VALUES))
def test_of_positive_values_no_third_point_decides_which_is_the_knee(cloud):
    maximize, costs = [True, False, True], [False, True, True]
    best = cloud[front(cloud, maximize)]
    at = knee(best, maximize, costs)
    for other in best:
        pair = np.vstack([best[at], other])
        assert knee(pair, maximize, costs) == 0


ISSUE = [[0.437, 3.92], [0.795, 3.98]]  # a run of six, whose front's own range made the first the knee


@pytest.mark.parametrize(
    ("points", "at"),
    [
        (ISSUE, 1),
        ([*ISSUE, [0.80, 12.0]], 1),
        ([[0.5, 1.0], [0.9, 2.0], [0.95, 9.0]], 1),
        ([[0.70, 1.0], [0.74, 2.0]], 1),  # more than 5 % for twice the cost
        ([[0.70, 1.0], [0.73, 2.0]], 0),  # less
        ([[0.795, 1.0], [0.796, 5.0]], 0),
        ([[0.0, 0.1], [0.9, 1.0]], 1),
        ([[0.9, 0.0], [0.91, 7.0]], 0),
        ([[0.0, 0.0]], 0),
        ([[0.5, 1.0], [0.5, 1.0]], 0),
        # a search of 153 networks for images, as measured: the steep part ends at 1.05 ms
        ([[0.428, 0.566], [0.727, 0.581], [0.816, 0.690], [0.887, 0.879], [0.921, 1.047], [0.926, 1.225]], 4),
    ],
)
def test_the_knee_is_what_a_person_would_take(points, at):
    assert knee(np.array(points), [True, False], [False, True]) == at


def test_several_costs_count_as_their_mean():
    twice = [0.70, 1.0, 1.0], [0.72, 2.0, 1.0]
    assert knee(np.array(twice), [True, False, False], [False, True, True]) == 1, "sqrt(2) of the cost for 2.9 %"
    four = [0.70, 1.0, 1.0], [0.72, 2.0, 2.0]
    assert knee(np.array(four), [True, False, False], [False, True, True]) == 0
    assert knee(np.array([[0.5, 90.0], [0.9, 60.0]]), [True, True], [False, True]) == 1, "throughput is a cost turned"
    assert knee(np.array([[1.0, 9.0], [2.0, 2.0]]), [False, False], [True, True]) == 1, "costs alone: the least product"


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
