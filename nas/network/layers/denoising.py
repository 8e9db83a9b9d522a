"""Denoising queries: true boxes and labels with noise, which the decoder is taught to mend, without any matching.

DN-DETR's, https://arxiv.org/abs/2203.01305 (section 4). What is random is drawn from torch's generator.
"""

from typing import NamedTuple

import torch
from torch import Tensor

FLIPPED = 0.2  # share of labels that become another class, or the same by chance
MOVED = 0.4  # largest shift of a centre, in half widths and heights, and largest change of these


class Guides(NamedTuple):
    """Noised labels `(batch, groups * rows)` and boxes `(batch, groups * rows, 4)`, and which are of an object.

    `rows` is the most objects of an image in the batch, with what lies between them.
    """

    labels: Tensor
    boxes: Tensor
    real: Tensor
    rows: int


def noised(targets: Tensor, groups: int, classes: int) -> Guides | None:
    """Make `groups` noised copies of the batch's targets, or None where no image has an object.

    `targets` are `(batch, most, 6)`: class (-1: none), centre x and y, width, height, and 1 for a crowd, which is
    no object.
    """
    real = (targets[..., 0] >= 0) & (targets[..., 5] == 0)
    rows = _filled(real)
    if not groups or not rows:
        return None
    targets = targets[:, :rows].repeat(1, groups, 1)
    real = real[:, :rows].repeat(1, groups)
    labels, boxes = targets[..., 0].long(), targets[..., 1:5]
    flipped = torch.rand(labels.shape, device=labels.device) < FLIPPED
    labels = torch.where(flipped, torch.randint_like(labels, classes), labels)
    centre, size = boxes[..., :2], boxes[..., 2:]
    moves, changes = (MOVED * (2 * torch.rand_like(boxes) - 1)).chunk(2, dim=-1)
    boxes = torch.cat([centre + moves * size / 2, size * (1 + changes)], dim=-1).clamp(0, 1)
    return Guides(labels.where(real, classes), boxes.where(real[..., None], 0.5), real, rows)


def _filled(real: Tensor) -> int:
    """Return how many rows reach to the last object of the batch: all of them where there are no values to look at."""
    if real.is_meta:
        return real.shape[1]
    columns = real.any(0).nonzero()
    return int(columns[-1]) + 1 if len(columns) else 0


def visible(queries: int, guides: Guides) -> Tensor:
    """Tell who sees whom, `(batch or 1, 1, all, all)`: the queries that are matched come first.

    Matched queries see each other, guides the matched and those of their own group. None sees a guide of no object,
    except itself.
    """
    group = torch.arange(guides.labels.shape[1], device=guides.labels.device) // guides.rows
    group = torch.cat([group.new_full((queries,), -1), group])
    sees = (group == -1) | (group[:, None] == group)
    if not guides.real.is_meta and guides.real.all():
        return sees[None, None]
    real = torch.cat([guides.real.new_ones(len(guides.real), queries), guides.real], dim=1)
    itself = torch.eye(len(group), dtype=torch.bool, device=group.device)
    return (sees & real[:, None] | itself)[:, None]
