"""Boxes that go with their images where these are mirrored, shifted or cropped."""

import torch
from torch import Tensor

from nas.data.boxes import CLASS, CROWD, NONE, H, W, X, Y
from nas.training.boxes.geometry import areas, corners

KEPT = 0.25  # of an object's area, less of which is no object any more


def follow(targets: Tensor, moves: Tensor) -> Tensor:
    """Move targets `(batch, most, 6)` as places move: scale and offset `(batch, 2, 2)` of x and y of each image.

    Boxes are cut at the image's edge. A row whose object is cut off by more than three quarters, or whose crowd is
    outside, holds no box any more.
    """
    scale, offset = moves[:, None, :, 0], moves[:, None, :, 1]
    boxes = torch.cat([targets[..., [X, Y]] * scale + offset, targets[..., [W, H]] * scale.abs()], -1)
    whole = corners(boxes)
    seen = whole.clamp(0, 1)
    least = areas(whole) * KEPT * (targets[..., CROWD] == 0)
    kept = (targets[..., CLASS] >= 0) & (areas(seen) > least)
    low, high = seen.split(2, -1)
    moved = torch.cat([targets[..., :X], (low + high) / 2, high - low, targets[..., CROWD:]], -1)
    return torch.where(kept[..., None], moved, _none(targets))


def _none(targets: Tensor) -> Tensor:
    """Return rows that hold no box."""
    rows = torch.zeros_like(targets)
    rows[..., CLASS] = NONE
    return rows
