"""Boxes as tensors: centre, width and height `(..., 4)`, how far two overlap, and how far apart they are.

Each function takes shapes that broadcast. A box without an area overlaps nothing and has finite gradients.
"""

import torch
from torch import Tensor

EMPTY = 1e-9  # an area so small is none: a thirtieth of a pixel of a thousand, squared


def corners(boxes: Tensor) -> Tensor:
    """Turn centre, width and height into left, top, right and bottom. A negative width or height counts as 0."""
    centre, half = boxes[..., :2], boxes[..., 2:].clamp(min=0) / 2
    return torch.cat([centre - half, centre + half], -1)


def areas(cornered: Tensor) -> Tensor:
    """Return the areas of boxes given by their corners."""
    left, top, right, bottom = cornered.unbind(-1)
    return (right - left) * (bottom - top)


def generalised_iou(a: Tensor, b: Tensor) -> Tensor:
    """Return the generalised intersection over union, https://arxiv.org/abs/1902.09630 (algorithm 1), from -1 to 1.

    Of two boxes that do not meet it tells how near they are, by the share that both leave empty of the smallest box
    round them.
    """
    a, b = corners(a), corners(b)
    share, union = _overlap(a, b)
    (a_left, a_top, a_right, a_bottom), (b_left, b_top, b_right, b_bottom) = a.unbind(-1), b.unbind(-1)
    width = torch.maximum(a_right, b_right) - torch.minimum(a_left, b_left)
    height = torch.maximum(a_bottom, b_bottom) - torch.minimum(a_top, b_top)
    hull = width * height
    return share - (hull - union) / hull.clamp(min=EMPTY)


def _overlap(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Return intersection over union, and the union, of boxes given by their corners."""
    (a_left, a_top, a_right, a_bottom), (b_left, b_top, b_right, b_bottom) = a.unbind(-1), b.unbind(-1)
    width = (torch.minimum(a_right, b_right) - torch.maximum(a_left, b_left)).clamp(min=0)
    height = (torch.minimum(a_bottom, b_bottom) - torch.maximum(a_top, b_top)).clamp(min=0)
    shared = width * height
    union = areas(a) + areas(b) - shared
    return shared / union.clamp(min=EMPTY), union
