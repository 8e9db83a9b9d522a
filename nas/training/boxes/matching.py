"""Which query answers for which box: the assignment of least cost in each layer, https://arxiv.org/abs/2005.12872.

The costs are the published ones (section 3.1); for sigmoids those of Deformable DETR, https://arxiv.org/abs/2010.04159.
Each box may count several times, as in DELA-DETR, https://arxiv.org/abs/2203.09507 (section 4). Crowds are not matched:
a query on one learns that there is no object, as with DETR.
"""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from torch.nn import functional as F

from nas.data.boxes import CLASS, CROWD, H, X
from nas.network.layers.detections import Detections
from nas.training.boxes.geometry import generalised_iou

ALPHA, GAMMA = 0.25, 2  # of the focal loss, https://arxiv.org/abs/1708.02002
CLASS_COST, FOCAL_COST, L1_COST, IOU_COST = 1, 2, 5, 2
UNMATCHABLE = 1e6  # a cost that is no number: matched last, so that the loss alone speaks of it

Numbers = NDArray[np.int64]


class Labels(NamedTuple):
    """The boxes of some images that count: classes `(images, most)`, boxes `(images, most, 4)`, how many of each image.

    Those of an image come first in its row.
    """

    classes: Tensor
    boxes: Tensor
    counts: list[int]


class Matches(NamedTuple):
    """Queries by layer, image and number, the class and box that each answers for, and the number of boxes to find."""

    where: tuple[Tensor, Tensor, Tensor]
    classes: Tensor
    boxes: Tensor
    number: int


def counted(targets: Tensor) -> Tensor:
    """Tell of each row of targets `(images, most, 6)` whether it holds a box that is to be found."""
    return (targets[..., CLASS] >= 0) & (targets[..., CROWD] == 0)


def labels_of(targets: Tensor) -> Labels:
    """Return the boxes of targets `(images, most, 6)` that are to be found."""
    there = counted(targets)
    counts: list[int] = there.sum(1).tolist()
    order = there.byte().argsort(dim=1, descending=True, stable=True)[:, : max(counts, default=0)]
    targets = targets.gather(1, order[..., None].expand(-1, -1, targets.shape[-1])).float()
    return Labels(targets[..., CLASS].long().clamp(min=0), targets[..., X : H + 1], counts)


@torch.no_grad()
def match(found: Detections, labels: Labels) -> Matches:
    """Match the queries of every layer with the boxes of their images, at the least cost in all.

    A box counts `found.repeats` times, or less often where that is more than there are queries. Where images have more
    boxes than queries, each query has one. Costs that are no numbers are matched last.
    """
    layers, _, queries, _ = found.logits.shape
    times = [min(found.repeats, max(queries // count, 1)) if count else 0 for count in labels.counts]
    costs = _costs(found, labels).nan_to_num(UNMATCHABLE, UNMATCHABLE, -UNMATCHABLE).double().cpu().numpy()
    pairs = [(layer, image) for layer in range(layers) for image, count in enumerate(labels.counts) if count]
    picked, rows = [], []
    for layer, image in pairs:
        count = labels.counts[image]
        cost = np.tile(costs[layer, image, :, :count], times[image])
        query, row = linear_sum_assignment(cost)
        picked.append(query)
        rows.append(row % count)
    sizes = [len(query) for query in picked]
    layer, image = np.repeat(np.array(pairs, np.int64).reshape(-1, 2), sizes, axis=0).T
    matched = np.stack([layer, image, _joined(picked), _joined(rows)])
    at = torch.from_numpy(matched).to(found.boxes.device)
    number = sum(count * repeated for count, repeated in zip(labels.counts, times, strict=True))
    return Matches((at[0], at[1], at[2]), labels.classes[at[1], at[3]], labels.boxes[at[1], at[3]], number)


def _joined(parts: list[Numbers]) -> Numbers:
    return np.concatenate([np.empty(0, np.int64), *parts])


def _costs(found: Detections, labels: Labels) -> Tensor:
    """Return what it costs that a query answers for a box: `(layers, images, queries, most)`."""
    logits, boxes = found.logits.float(), found.boxes.float()
    index = labels.classes[None, :, None].expand(*logits.shape[:3], -1)
    if found.focal:
        chosen = logits.gather(-1, index)
        sure = chosen.sigmoid()
        right = ALPHA * (1 - sure) ** GAMMA * F.softplus(-chosen)
        cost = FOCAL_COST * (right - (1 - ALPHA) * sure**GAMMA * F.softplus(chosen))
    else:
        cost = -CLASS_COST * logits.softmax(-1).gather(-1, index)
    cost = cost + L1_COST * torch.cdist(boxes, labels.boxes[None], p=1)
    return cost - IOU_COST * generalised_iou(boxes[:, :, :, None], labels.boxes[None, :, None])
