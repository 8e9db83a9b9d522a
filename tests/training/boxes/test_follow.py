"""Boxes go where the pixels of their objects go."""

import pytest
import torch
from torch import Tensor

from nas.training.boxes.follow import follow

SIDE = 40
STILL = [[1.0, 0.0], [1.0, 0.0]]
NONE = [-1.0, 0, 0, 0, 0, 0]


def moved(rows: list[list[float]], moves: list[list[float]]) -> Tensor:
    return follow(torch.tensor([rows]), torch.tensor([moves]))[0]


def painted(box: list[float]) -> Tensor:
    """The pixels of a box."""
    ((x, y, w, h), places) = (SIDE * torch.tensor(box)).tolist(), torch.arange(SIDE) + 0.5
    return ((places - y).abs() < h / 2)[:, None] & ((places - x).abs() < w / 2)[None]


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize(("right", "down"), [(0, 0), (7, -3), (-12, 5), (14, 14)])
def test_a_box_covers_the_pixels_of_its_object(mirrored: bool, right: int, down: int) -> None:
    row = [2.0, 0.4, 0.5, 0.3, 0.2, 0]
    pixels = painted(row[1:5])
    pixels = pixels.flip(1) if mirrored else pixels
    shown = torch.zeros_like(pixels)
    for y, x in pixels.nonzero().tolist():
        if 0 <= y + down < SIDE and 0 <= x + right < SIDE:
            shown[y + down, x + right] = True
    moves = [[-1.0 if mirrored else 1.0, mirrored + right / SIDE], [1.0, down / SIDE]]
    found = moved([row], moves)[0]
    assert found[0] == 2
    torch.testing.assert_close(painted(found[1:5].tolist()), shown)


def test_a_crop_scales_and_cuts() -> None:
    found = moved([[0, 0.5, 0.5, 0.2, 0.8, 0]], [[2.0, -0.5], [2.0, -0.5]])  # the middle half becomes the whole
    torch.testing.assert_close(found, torch.tensor([[0, 0.5, 0.5, 0.4, 1, 0]]))


@pytest.mark.parametrize(("left", "kept"), [(0.55, True), (0.74, True), (0.76, False), (1.0, False), (1.5, False)])
def test_little_of_an_object_is_none_but_little_of_a_crowd_is(left: float, kept: bool) -> None:
    """A box at the right edge, of which a share goes beyond it."""
    rows = [[1, 0.9, 0.5, 0.2, 0.2, 0], [1, 0.9, 0.5, 0.2, 0.2, 1]]
    found = moved(rows, [[1.0, 0.2 * left], [1.0, 0.0]])
    assert (found[0, 0] == 1) == kept
    assert (found[1, 0] == 1) == (left < 1)
    for row in found:
        assert row.tolist() == NONE if row[0] < 0 else row[3] == pytest.approx(0.2 * (1 - left), abs=1e-6)


def test_rows_without_a_box_stay_so_and_nothing_moves_without_moves() -> None:
    rows = [NONE, [3, 0.5, 0.25, 0.5, 0.5, 1]]
    torch.testing.assert_close(moved(rows, STILL), torch.tensor(rows))
    torch.testing.assert_close(moved(rows, [[-1.0, 1.0], [0.5, 0.2]])[0], torch.tensor(NONE))
