"""The matching: of all ways to give boxes to queries the cheapest, by the published costs in plain Python."""

import math
from itertools import permutations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from nas.network.layers.detections import Detections
from nas.training.boxes.geometry import generalised_iou
from nas.training.boxes.matching import Matches, labels_of, match


def answers(queries: int, classes: int, images: int, seed: int, focal: bool, layers: int = 2) -> Detections:
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(layers, images, queries, classes + (not focal), generator=generator)
    return Detections(logits, torch.rand(layers, images, queries, 4, generator=generator), focal)


def targets(rows: int, classes: int, images: int, seed: int) -> Tensor:
    """Boxes, some of them crowds, some rows of them none."""
    generator = torch.Generator().manual_seed(seed + 1)
    made = torch.rand(images, rows, 6, generator=generator)
    made[..., 0] = torch.randint(-1, classes, (images, rows), generator=generator)
    made[..., 5] = (made[..., 5] < 0.2).float()
    return made


def cost(logits: Tensor, box: Tensor, target: Tensor, focal: bool) -> float:
    """What it costs that a query answers for a box."""
    number = int(target[0])
    if focal:
        sure = min(max(1 / (1 + math.exp(-float(logits[number]))), 1e-9), 1 - 1e-9)
        right = -0.25 * (1 - sure) ** 2 * math.log(sure)
        named = 2 * (right + 0.75 * sure**2 * math.log(1 - sure))
    else:
        named = -math.exp(float(logits[number])) / sum(math.exp(float(each)) for each in logits)
    apart = sum(abs(float(a) - float(b)) for a, b in zip(box, target[1:5], strict=True))
    return named + 5 * apart - 2 * float(generalised_iou(box, target[1:5]))


def cheapest(costs: list[list[float]]) -> float:
    """The least sum over all ways to give each column a row of its own, or each row a column where there are more."""
    if len(costs) < len(costs[0]):
        costs = [list(column) for column in zip(*costs, strict=True)]
    ways = permutations(range(len(costs)), len(costs[0]))
    return min(sum(costs[row][column] for column, row in enumerate(way)) for way in ways)


def counted(rows: Tensor) -> Tensor:
    return rows[(rows[:, 0] >= 0) & (rows[:, 5] == 0)]


def of(matches: Matches, layer: int, image: int) -> list[tuple[int, list[float]]]:
    """Query, and class and box that it answers for, of one image in one layer."""
    layers, images, queries = matches.where
    here = (layers == layer) & (images == image)
    aims = torch.cat([matches.classes[:, None].float(), matches.boxes], 1)
    return [(int(query), aim.tolist()) for query, aim in zip(queries[here], aims[here], strict=True)]


@settings(max_examples=40, deadline=None)
@given(
    queries=st.integers(1, 5),
    rows=st.integers(1, 4),
    classes=st.integers(1, 3),
    seed=st.integers(0, 2**20),
    focal=st.booleans(),
)
def test_no_way_is_cheaper(queries: int, rows: int, classes: int, seed: int, focal: bool) -> None:
    found, aims = answers(queries, classes, 3, seed, focal), targets(rows, classes, 3, seed)
    matches = match(found, labels_of(aims))
    for layer in range(2):
        for image in range(3):
            true = counted(aims[image])
            pairs = of(matches, layer, image)
            assert len(pairs) == min(queries, len(true))
            assert len({query for query, _ in pairs}) == len(pairs)
            if not pairs:
                continue
            logits, boxes = found.logits[layer, image], found.boxes[layer, image]
            costs = [[cost(logits[q], boxes[q], row, focal) for row in true] for q in range(queries)]
            chosen = []
            for query, aim in pairs:
                place = next(i for i, row in enumerate(true[:, :5].tolist()) if row == aim)
                chosen.append(costs[query][place])
            assert sum(chosen) == pytest.approx(cheapest(costs), abs=1e-4)
    assert matches.number == sum(len(counted(rows)) for rows in aims)


@settings(max_examples=25, deadline=None)
@given(times=st.integers(1, 4), rows=st.integers(1, 2), queries=st.integers(2, 6), seed=st.integers(0, 2**20))
def test_a_label_that_counts_twice_is_two_labels(times: int, rows: int, queries: int, seed: int) -> None:
    found, aims = answers(queries, 2, 1, seed, False, layers=1), targets(rows, 2, 1, seed)
    aims[..., 0], aims[..., 5] = aims[..., 0].clamp(min=0), 0
    fits = min(times, max(queries // rows, 1))
    repeated = match(found, labels_of(aims.repeat(1, fits, 1)))
    once = match(Detections(found.logits, found.boxes, repeats=times), labels_of(aims))
    assert once.number == repeated.number == rows * fits
    assert len(once.where[0]) == min(queries, rows * fits)
    assert sorted(of(once, 0, 0)) == sorted(of(repeated, 0, 0))
    for row in aims[0, :, :5].tolist():  # none goes without, however often the others count
        assert sum(aim == row for _, aim in of(once, 0, 0)) >= (1 if queries >= rows else 0)


def test_crowds_and_rows_without_a_box_are_not_matched() -> None:
    aims = torch.tensor([[[-1, 0, 0, 0, 0, 0], [1, 0.5, 0.5, 1, 1, 1], [0, 0.2, 0.3, 0.1, 0.1, 0.0]]])
    matches = match(answers(4, 2, 1, 0, False), labels_of(aims))
    assert matches.classes.tolist() == [0, 0]  # a layer each
    torch.testing.assert_close(matches.boxes, torch.tensor([[0.2, 0.3, 0.1, 0.1]] * 2))
    assert matches.number == 1


@pytest.mark.parametrize("most", [1, 3])
@pytest.mark.parametrize("images", [0, 2])
def test_a_batch_without_a_box(most: int, images: int) -> None:
    aims = torch.zeros(images, most, 6)
    aims[..., 0] = -1
    matches = match(answers(4, 2, images, 0, True), labels_of(aims))
    assert [len(each) for each in matches.where] == [0, 0, 0]
    assert matches.boxes.shape == (0, 4)
    assert matches.number == 0


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 3e38])
@pytest.mark.parametrize("focal", [False, True])
def test_what_is_no_number_is_matched_last(value: float, focal: bool) -> None:
    found, aims = answers(3, 2, 1, 4, focal, layers=1), targets(1, 1, 1, 0)
    aims[..., 0], aims[..., 5] = 0, 0
    for broken in (found.logits, found.boxes):
        kept = broken[0, 0, 1].clone()
        broken[0, 0, 1] = value
        matches = match(found, labels_of(aims))
        assert len(matches.where[2]) == 1
        if math.isnan(value):
            assert int(matches.where[2]) != 1
        broken[0, 0, 1] = kept
        broken[:] = value
        assert len(match(found, labels_of(aims)).where[2]) == 1
        broken[:] = torch.rand(broken.shape)
