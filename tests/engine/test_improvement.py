"""Expected hypervolume improvement against its definition: the mean improvement over many draws."""

import numpy as np
import pytest

from nas.engine.improvement import boxes, expected_improvement, thin
from nas.pareto import hypervolume


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_it_is_the_mean_improvement(count: int) -> None:
    rng = np.random.default_rng(count)
    front, reference = rng.random((6, count)), np.full(count, 1.1)
    mean, deviation = rng.random((3, count)), 0.3 * rng.random((3, count))
    deviation[:, -1] = 0  # known exactly
    found = expected_improvement(boxes(front, reference), mean, deviation)
    before = _volume(front, reference)
    for i in range(3):
        draws = mean[i] + deviation[i] * rng.standard_normal((1500, count))
        gains = [_volume(np.vstack([front, draw]), reference) - before for draw in draws]
        assert found[i] == pytest.approx(np.mean(gains), abs=5 * np.std(gains) / len(gains) ** 0.5 + 1e-9)


def _volume(points, reference):
    if len(reference) == 1:
        return max(float(reference[0] - points.min()), 0.0)
    return hypervolume(points, reference, [False] * len(reference))


def test_an_empty_front_leaves_all_free() -> None:
    free = boxes(np.empty((0, 2)), np.ones(2))
    assert expected_improvement(free, np.array([[0.5, 0.25]]), np.zeros((1, 2))) == pytest.approx(0.375)


def test_a_long_front_is_thinned_evenly() -> None:
    x = np.sort(np.random.default_rng(0).random(500))
    kept = thin(np.column_stack([x, 1 - x]), 21)
    assert len(kept) == 21
    assert {x[0], x[-1]} <= set(kept[:, 0])
    assert np.diff(np.sort(kept[:, 0])).max() < 0.13
