"""Sine positions of DETR: of a map's pixels (arXiv:2005.12872, appendix A.4) and of boxes (arXiv:2201.12329, 4.2)."""

from math import pi

import torch
from torch import Tensor

TEMPERATURE = 10_000
EPSILON = 1e-6  # the published code's, which keeps an image that is all padding finite


def waves(places: Tensor, width: int, temperature: float) -> Tensor:
    """Turn places from 0 to 1 `(...)` into sines and cosines in turn, `(..., width)`."""
    order = torch.arange(width // 2, dtype=torch.float32, device=places.device)
    angles = places[..., None] * (2 * pi * temperature ** (-2 * order / width))
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(-2)


def pixel_places(
    size: tuple[int, int], shift: float, device: torch.device, padding: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Return the rows and columns of a map's pixels as shares of its sides, `(batch or 1, height, width)`.

    Pixels count from 1, less `shift`, where images are padded from the first pixel that `padding` leaves, as shares of
    what it leaves.
    """
    if padding is not None:
        left = ~padding
        y, x = left.cumsum(1, dtype=torch.float32), left.cumsum(2, dtype=torch.float32)
        return (y - shift) / (y[:, -1:] + EPSILON), (x - shift) / (x[:, :, -1:] + EPSILON)
    sides = (torch.arange(1, side + 1, dtype=torch.float32, device=device) for side in size)
    y, x = ((pixels - shift) / (side + EPSILON) for pixels, side in zip(sides, size, strict=True))
    return y[None, :, None].expand(1, *size), x[None, None].expand(1, *size)


def pixel_waves(rows: Tensor, columns: Tensor, width: int, temperature: float) -> Tensor:
    """Return the positions of pixels, `(batch or 1, height * width, width)`, of rows first, then of columns."""
    return torch.cat([waves(places, width // 2, temperature) for places in (rows, columns)], dim=-1).flatten(1, 2)


def box_waves(boxes: Tensor, width: int, temperature: float) -> Tensor:
    """Turn boxes `(..., 4)` (centre x and y, width, height) into `(..., 2 * width)`: of y, x, width, height in turn."""
    x, y, wide, high = boxes.unbind(-1)
    return waves(torch.stack([y, x, wide, high], dim=-1), width // 2, temperature).flatten(-2)
