"""Sine positions of DETR: of a map's pixels (arXiv:2005.12872, appendix A.4) and of boxes (arXiv:2201.12329, 4.2)."""

from math import pi

import torch
from torch import Tensor

TEMPERATURE = 10_000
EPSILON = 1e-6  # the published code's, which keeps an image that is all padding finite


def waves(places: Tensor, width: int, temperature: float) -> Tensor:
    """Turn places from 0 to 1 `(...)` into sines and cosines in turn, `(..., width)`."""
    order = torch.arange(width // 2, device=places.device)
    angles = places[..., None] * (2 * pi * temperature ** (-2 * order / width))
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(-2)


def pixel_waves(size: tuple[int, int], width: int, temperature: float, shift: float, like: Tensor) -> Tensor:
    """Return the positions of a map's pixels, `(1, height * width, width)`, of rows first, then of columns.

    Pixels count from 1, less `shift`, as shares of the map's sides. `like` lends its device.
    """
    rows, columns = (torch.arange(1, side + 1, device=like.device) for side in size)
    y = waves((rows - shift) / (size[0] + EPSILON), width // 2, temperature)
    x = waves((columns - shift) / (size[1] + EPSILON), width // 2, temperature)
    return torch.cat([y[:, None].expand(-1, size[1], -1), x.expand(size[0], -1, -1)], dim=-1).flatten(0, 1)[None]


def padded_waves(padding: Tensor, width: int, temperature: float, shift: float) -> Tensor:
    """Return the positions of pixels in images that are padded, `(batch, height * width, width)`.

    They count from the first pixel that `padding` `(batch, height, width)` leaves, as shares of what it leaves.
    """
    left = ~padding
    y, x = left.cumsum(1, dtype=torch.float32), left.cumsum(2, dtype=torch.float32)
    y, x = (y - shift) / (y[:, -1:] + EPSILON), (x - shift) / (x[:, :, -1:] + EPSILON)
    return torch.cat([waves(places, width // 2, temperature) for places in (y, x)], dim=-1).flatten(1, 2)


def box_waves(boxes: Tensor, width: int, temperature: float) -> Tensor:
    """Turn boxes `(..., 4)` (centre x and y, width, height) into `(..., 2 * width)`: of y, x, width, height in turn."""
    x, y, wide, high = boxes.unbind(-1)
    return waves(torch.stack([y, x, wide, high], dim=-1), width // 2, temperature).flatten(-2)
