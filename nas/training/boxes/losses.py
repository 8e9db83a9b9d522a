"""What answers cost: the losses of DETR, https://arxiv.org/abs/2005.12872 (sections 3.1 and A.2), over all layers.

The class by cross-entropy, in which the many queries without an object count a tenth each, or by the focal loss,
https://arxiv.org/abs/1708.02002; of the boxes that were matched L1 and generalised IoU, divided by the boxes that the
batch holds. Denoising queries know their boxes, https://arxiv.org/abs/2203.01305 (section 4.3), and are not matched.
"""

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F

from nas.data.boxes import CLASS, H, X
from nas.network.layers.detections import Detections
from nas.training.boxes.geometry import EMPTY, generalised_iou
from nas.training.boxes.matching import ALPHA, GAMMA, Matches, counted, labels_of, match

CLASS_WEIGHT, L1_WEIGHT, IOU_WEIGHT = 1, 5, 2
NO_OBJECT = 0.1
IMAGES = 128  # of a validation part that are matched at once


def loss(found: Detections | Tensor, targets: Tensor) -> Tensor:
    """Return the loss of what a network gives against targets `(images, most, 6)`; not finite where any answer is not.

    In training that is a sum over the decoder's layers, the encoder's pixels and the denoising queries, if any.
    """
    if isinstance(found, Tensor):
        return _validation_loss(found, targets)
    labels = labels_of(targets)
    asked = [*_parts(found), *_pixels(found)]
    total = torch.stack([_criterion(part, match(part, labels)) for part in asked]).sum()
    return total if found.noised is None else total + _denoising(found, targets)


def _parts(found: Detections) -> list[Detections]:
    """Part the layers that are asked several times for each box from the last, which is asked once.

    So the last learns to answer once, as with H-DETR's hybrid layers, https://arxiv.org/abs/2207.13080 (section 3).
    """
    if found.repeats == 1 or len(found.logits) == 1:
        return [replace(found, repeats=1)]
    layers = slice(None, -1), slice(-1, None)
    return [
        replace(found, logits=found.logits[some], boxes=found.boxes[some], repeats=repeats)
        for some, repeats in zip(layers, (found.repeats, 1), strict=True)
    ]


def _pixels(found: Detections) -> list[Detections]:
    """Return the answers of the encoder's pixels, if they answer, as those of a layer before the first."""
    pixels = found.pixels
    return [replace(found, logits=pixels.logits, boxes=pixels.boxes)] if pixels else []


def _validation_loss(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return a loss of a network's outputs `(images, queries, 4 + classes)`, which are those of its last layer alone.

    A score is taken for a sigmoid's, whatever made it, so that the focal loss serves all. It is no measure beside the
    loss in training, which sums over layers.
    """
    number = int(counted(targets).sum())
    total = outputs.new_zeros((), dtype=torch.float32)
    for some, theirs in zip(outputs.split(IMAGES), targets.split(IMAGES), strict=True):
        found = Detections(some[None, ..., 4:].float().logit(eps=1e-6), some[None, ..., :4], focal=True)
        total = total + _criterion(found, match(found, labels_of(theirs))._replace(number=number))
    return total


def _criterion(found: Detections, matches: Matches) -> Tensor:
    """Return the weighted losses of all layers, given what each query should answer."""
    logits, boxes = found.logits.float(), found.boxes.float()
    answers, number = boxes[matches.where], max(matches.number, 1)
    classes = (_focal(logits, matches) / number) if found.focal else _cross_entropy(logits, matches)
    apart = (answers - matches.boxes).abs().sum() / number
    outside = (1 - generalised_iou(answers, matches.boxes)).sum() / number
    whole = 0 * boxes.sum()  # nothing, unless a box that nobody asked for is no number
    return CLASS_WEIGHT * classes + L1_WEIGHT * apart + IOU_WEIGHT * outside + whole


def _cross_entropy(logits: Tensor, matches: Matches) -> Tensor:
    """Sum over the layers the mean over their queries, those without an object counting less."""
    classes = torch.full(logits.shape[:3], logits.shape[3] - 1, device=logits.device)
    classes[matches.where] = matches.classes
    each = F.cross_entropy(logits.flatten(0, 2), classes.flatten(), reduction="none").view_as(classes)
    weights = torch.full_like(each, NO_OBJECT).index_put(matches.where, torch.ones_like(each[matches.where]))
    return ((each * weights).sum((1, 2)) / weights.sum((1, 2)).clamp(min=EMPTY)).sum()


def _focal(logits: Tensor, matches: Matches) -> Tensor:
    """Sum the focal loss of every class of every query."""
    true = torch.zeros_like(logits)
    true[(*matches.where, matches.classes)] = 1
    each = F.binary_cross_entropy_with_logits(logits, true, reduction="none")
    wrong = (logits.sigmoid() - true).abs()
    return ((ALPHA * true + (1 - ALPHA) * (1 - true)) * wrong**GAMMA * each).sum()


def _denoising(found: Detections, targets: Tensor) -> Tensor:
    """Return the losses of the denoising queries that were made from a box, each of which should answer with it."""
    assert found.noised is not None
    logits, boxes = found.noised.logits, found.noised.boxes
    groups = boxes.shape[2] // targets.shape[1]
    known = counted(targets).repeat(1, groups)
    rows = targets.repeat(1, groups, 1)[known]
    asked = Detections(logits[:, None, known], boxes[:, None, known], found.focal)
    layers, _, queries, _ = asked.boxes.shape
    places = torch.arange(layers * queries, device=boxes.device)
    where = places // max(queries, 1), torch.zeros_like(places), places % max(queries, 1)
    classes, true = rows[:, CLASS].long().repeat(layers), rows[:, X : H + 1].float().repeat(layers, 1)
    return _criterion(asked, Matches(where, classes, true, queries))
