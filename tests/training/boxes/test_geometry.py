"""How far boxes overlap: against the papers' definitions in plain Python, and gradients against differences."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from nas.training.boxes.geometry import corners, generalised_iou

Box = tuple[float, float, float, float]
PLACES, SIDES = st.floats(-1, 2, width=32), st.floats(0.015625, 2, width=32)
BOXES = st.tuples(PLACES, PLACES, SIDES, SIDES)
FLAT = [(0.5, 0.5, 0.3, 0.0), (0.5, 0.5, 0.0, 0.3), (0.5, 0.5, -0.1, 0.2)]
NOTHING = [(0.5, 0.5, 0.0, 0.0), (2.0, -1.0, 0.0, 0.0), *FLAT]


def slow(a: Box, b: Box) -> float:
    """GIoU by algorithm 1 of the paper."""
    (ax, ay, aw, ah), (bx, by, bw, bh) = a, b
    a1, a2, a3, a4 = ax - aw / 2, ay - ah / 2, ax + aw / 2, ay + ah / 2
    b1, b2, b3, b4 = bx - bw / 2, by - bh / 2, bx + bw / 2, by + bh / 2
    width, height = min(a3, b3) - max(a1, b1), min(a4, b4) - max(a2, b2)
    shared = width * height if width > 0 and height > 0 else 0.0
    union = aw * ah + bw * bh - shared
    hull = (max(a3, b3) - min(a1, b1)) * (max(a4, b4) - min(a2, b2))
    return shared / union - (hull - union) / hull


@given(BOXES, BOXES)
def test_overlaps_are_the_published_ones(a: Box, b: Box) -> None:
    generalised = slow(a, b)
    one, other = torch.tensor(a, dtype=torch.float64), torch.tensor(b, dtype=torch.float64)
    assert float(generalised_iou(one, other)) == pytest.approx(generalised, abs=1e-9)
    assert float(generalised_iou(other, one)) == pytest.approx(generalised, abs=1e-9)


def test_known_boxes() -> None:
    left, right = torch.tensor([0.25, 0.5, 0.5, 1.0]), torch.tensor([0.75, 0.5, 0.5, 1.0])
    assert float(generalised_iou(left, left)) == 1
    assert float(generalised_iou(left, right)) == 0  # they fill the box round them
    apart = torch.tensor([10.5, 0.5, 1.0, 1.0])
    assert float(generalised_iou(torch.tensor([0.5, 0.5, 1.0, 1.0]), apart)) == pytest.approx(-9 / 11)
    assert corners(left).tolist() == [0, 0, 0.5, 1]


@pytest.mark.parametrize("seed", range(4))
def test_the_gradient_is_that_of_differences(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    a, b = (torch.rand(20, 4, generator=generator, dtype=torch.float64) + 0.01 for _ in range(2))
    assert torch.autograd.gradcheck(generalised_iou, (a.requires_grad_(), b.requires_grad_()), eps=1e-7, atol=1e-4)


@pytest.mark.parametrize("box", NOTHING)
@pytest.mark.parametrize("other", [*NOTHING, (0.5, 0.5, 0.3, 0.3), (0.1, 0.1, 0.1, 0.1)])
def test_a_box_without_area_overlaps_nothing_and_has_gradients(box: Box, other: Box) -> None:
    one, two = (torch.tensor(each, requires_grad=True) for each in (box, other))
    found = generalised_iou(one, two)
    assert -1 <= float(found.detach()) <= 0
    found.backward()
    assert all(each.grad is not None and each.grad.isfinite().all() for each in (one, two))


def test_pairs_broadcast() -> None:
    a, b = torch.rand(2, 5, 1, 4), torch.rand(1, 3, 4)
    pairs: Tensor = generalised_iou(a, b)
    assert pairs.shape == (2, 5, 3)
    assert float(pairs[1, 4, 2]) == pytest.approx(float(generalised_iou(a[1, 4, 0], b[0, 2])))
