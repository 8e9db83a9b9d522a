"""COCO's mean average precision, https://cocodataset.org/#detection-eval, by faster-coco-eval.

A network answers for an image with its 100 best pairs of query and class, as Deformable DETR does
(https://arxiv.org/abs/2010.04159); DETR answers with the best class of each query, which are among them. As COCO
counts, a crowd is neither found nor missed and what lies in one is neither right nor wrong, and a class that no box has
is left out. Where there is no box at all nothing can be measured: the value is 0.
"""

import math
from collections.abc import Callable

import numpy as np
import torch
from faster_coco_eval import COCO, COCOeval_faster
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.weak import WeakIdKeyDictionary

from nas.data.boxes import CLASS, CROWD, H, W, X, Y, held, upper_left
from nas.training.tasks import Predictions

DETECTIONS = 100  # an image
SIZES = [[0.0, 1e10]]  # COCO's own range of all sizes

Rows = NDArray[np.int64]
Floats = NDArray[np.float64]


def mean_precision(predictions: Predictions) -> float:
    """Return the mean average precision over overlaps from .5 to .95, from 0 to 1."""
    return _or_none(matched(predictions).whole.mean())


def half_precision(predictions: Predictions) -> float:
    """Return the mean average precision at an overlap of .5, from 0 to 1."""
    return _or_none(matched(predictions).whole[0])


def mean_precisions(predictions: Predictions) -> Callable[[Rows], float]:
    """Return `mean_precision` of these predictions for images drawn again, NaN where none of them has a box."""
    found = matched(predictions)
    return lambda rows: float(found.drawn(rows).mean())


def half_precisions(predictions: Predictions) -> Callable[[Rows], float]:
    """Return `half_precision` of these predictions for images drawn again, NaN where none of them has a box."""
    found = matched(predictions)
    return lambda rows: float(found.drawn(rows)[0])


def class_precisions(predictions: Predictions) -> dict[int, tuple[float, float]]:
    """Return for each class that has a box its average precision over overlaps from .5 to .95, and at .5."""
    return matched(predictions).classes


def _or_none(value: float) -> float:
    return 0.0 if math.isnan(value) else float(value)


class Matched:
    """Answers matched with the true boxes of their images, once for all precisions that are asked for.

    `whole` is the mean over the classes of the average precision at each overlap, NaN where there is no box; `classes`
    are those of every class.
    """

    def __init__(self, predictions: Predictions) -> None:
        self._evaluator = _evaluated(*predictions)
        self.whole, self.classes = _means(self._evaluator), _by_class(self._evaluator)
        self._drawn: tuple[Rows | None, Floats] = None, self.whole
        # What it found image by image, which its own tool for several processes joins in the same way.
        found = self._evaluator._evalImgs_cpp if self._evaluator else []
        self._found = np.array(found, dtype=object).reshape(-1, len(predictions.targets))

    def drawn(self, rows: Rows) -> Floats:
        """Return the same as `whole` for images drawn again, each as often as its row is named."""
        if self._evaluator and rows is not self._drawn[0]:
            self._evaluator._evalImgs_cpp = [*self._found[:, rows].flat]
            self._evaluator.accumulate()
            self._drawn = rows, _means(self._evaluator)
        return self._drawn[1]


_latest = WeakIdKeyDictionary()


def matched(predictions: Predictions) -> Matched:
    """Match answers with the true boxes, or recall it where these predictions were matched just before."""
    known: tuple[Tensor, Matched] | None = _latest.get(predictions.outputs)
    if known and known[0] is predictions.targets:
        return known[1]
    found = Matched(predictions)
    _latest[predictions.outputs] = predictions.targets, found
    return found


def _means(evaluator: COCOeval_faster | None) -> Floats:
    """Return the mean over the classes of the average precision at each overlap, from .5 to .95."""
    if evaluator is None:
        return np.full(10, np.nan)
    precisions = evaluator.eval["precision"][..., 0, 0]  # by overlap, recall and class; -1 for a class without boxes
    there = precisions[0, 0] > -1
    means: Floats = precisions[:, :, there].mean((1, 2)) if there.any() else np.full(len(precisions), np.nan)
    return means


def _by_class(evaluator: COCOeval_faster | None) -> dict[int, tuple[float, float]]:
    """Return each class's average precision, over all overlaps and at the first."""
    if evaluator is None:
        return {}
    means = evaluator.eval["precision"][..., 0, 0].mean(1)  # by overlap and class
    kinds = map(int, evaluator.params.catIds)
    return {kind: (float(m.mean()), float(m[0])) for kind, m in zip(kinds, means.T, strict=True) if m[0] > -1}


def _evaluated(outputs: Tensor, targets: Tensor) -> COCOeval_faster | None:
    """Match and count, or return None where there is no box."""
    truths = targets.cpu().numpy()
    image, row = np.nonzero(held(truths))
    truths = truths[image, row].astype(np.float64)
    crowd, named = truths[:, CROWD].astype(int), truths[:, CLASS].astype(int)
    kinds = np.unique(named[crowd == 0])
    if not len(kinds):
        return None
    true = _annotated(image, named, truths[:, [X, Y, W, H]], iscrowd=crowd)
    said, boxes, labels, scores = _best(outputs)
    asked = np.isin(labels, kinds) & (scores > 0)  # other classes change nothing, and what has no chance is not said
    answers = _annotated(said[asked], labels[asked], boxes[asked], score=scores[asked], iscrowd=0 * said[asked])
    categories = [{"id": kind} for kind in kinds.tolist()]
    frame = {"images": [{"id": number} for number in range(len(targets))], "categories": categories}
    tables = (COCO(frame | {"annotations": some}, print_function=_quiet) for some in (true, answers))
    evaluator = COCOeval_faster(*tables, "bbox", print_function=_quiet, separate_eval=True)
    evaluator.params.maxDets, evaluator.params.areaRng, evaluator.params.areaRngLbl = [DETECTIONS], SIZES, ["all"]
    evaluator.evaluate()
    evaluator.accumulate()
    return evaluator


def _best(outputs: Tensor) -> tuple[Rows, Floats, Rows, Floats]:
    """Return image, box, class and score of the best pairs of query and class of every image."""
    boxes, scores = outputs.float().nan_to_num().cpu().split([4, outputs.shape[2] - 4], 2)
    classes = scores.shape[2]
    best, place = scores.flatten(1).topk(min(DETECTIONS, scores[0].numel()))
    image = torch.arange(len(outputs))[:, None].expand_as(place)
    chosen = boxes[image, place // classes].double()
    return (
        image.flatten().numpy(),
        chosen.flatten(0, 1).numpy(),
        (place % classes).flatten().numpy(),
        best.double().flatten().numpy(),
    )


def _annotated(images: Rows, labels: Rows, boxes: Floats, **columns: Rows | Floats) -> list[dict[str, object]]:
    """Return COCO's annotations of boxes given by centre, width and height, numbered from 1."""
    columns |= {"image_id": images, "category_id": labels, "area": boxes[:, 2:].prod(1)}
    columns |= {"id": np.arange(len(images)) + 1, "bbox": upper_left(boxes)}
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
    return [dict(zip(columns, row, strict=True)) for row in rows]


def _quiet(*words: object) -> None:
    """Say nothing."""
