"""The part of a page that shows a verdict: confusion, every class, calibration, the worst mistakes or the boxes."""

import base64
from collections.abc import Callable, Sequence
from contextlib import suppress
from math import isfinite

import numpy as np

from nas.files import Json
from nas.report import training_figures as figures
from nas.report.boxes_part import boxes_part
from nas.report.charts import THEMES, embed
from nas.report.confusion import pairs, recalls
from nas.training.boxes.verdict import BoxVerdict
from nas.training.full.verdict import Mistake, Verdict

PAIRS = 12  # of classes, in the table of mistakes
MAX_ROWS = 2000  # of classes; the file of the verdict has them all
SHARP = 128  # pixels; smaller pictures are enlarged pixel by pixel
NO_VERDICT: Json = {"verdict": None, "calibration": None, "mistakes": [], "recalls": [], "pairs": [], "boxes": None}


def verdict_part(
    verdict: Verdict,
    classes: Sequence[str],
    boxes: BoxVerdict | None = None,
    pictures: Sequence[str] = (),
    named: Callable[[int], str] = str,
) -> Json:
    """Make what the template of a verdict needs.

    `classes` are its classes' names. `pictures` are its mistakes, or the images that `boxes` of a detector show, as
    files in base64; `named` says which image a row is.
    """
    found = NO_VERDICT | {"verdict": verdict, "classes": classes}
    if boxes:
        return found | boxes_part(boxes, pictures, classes, named)
    if not verdict.confusion:
        return found
    table, judged = np.array(verdict.confusion, dtype=np.int64), recalls(verdict.confusion)
    count = len(classes)
    mapped = embed(figures.confusion_figure(table, classes), "confusion") if count <= figures.MAPPED else None
    return found | {
        "confusion_chart": mapped,
        "largest_mistake": figures.largest_mistake(table),
        "scales": {name: _gradient(theme) for name, theme in THEMES.items()},
        "confusion_width": _width(classes),
        "labelled": count <= figures.LABELLED,
        "written": count <= figures.WRITTEN,
        "dots": figures.DOTS if count > figures.CELLS else 0,
        "pairs": pairs(verdict.confusion, PAIRS),
        "wrong": int(table.sum() - table.trace()),
        "recalls": judged[:MAX_ROWS],
        "absent": sum(one.share is None for one in judged),
        "more": max(len(judged) - MAX_ROWS, 0),
        "calibration": _calibration(verdict),
        "mistakes": _mistakes(verdict.mistakes, pictures, named),
    }


def _gradient(theme: Json) -> str:
    """Write a theme's scale of colours as CSS."""
    return ", ".join(colour for _, colour in theme["layout"]["coloraxis"]["colorscale"])


def _width(classes: Sequence[str]) -> int:
    """Say how many pixels the confusion matrix needs at least, beside the names of the classes."""
    count, longest = len(classes), min(max(map(len, classes)), 20)
    if count > figures.LABELLED:
        return 320
    return 60 + 8 * longest + 26 * count if count <= figures.WRITTEN else 30 + 7 * longest + 11 * count


def _calibration(verdict: Verdict) -> Json | None:
    if not verdict.bins or verdict.ece is None or not isfinite(verdict.ece):
        return None
    count = sum(one.count for one in verdict.bins)
    sure = sum(one.count * one.confidence for one in verdict.bins) / count
    right = sum(one.count * one.accuracy for one in verdict.bins) / count
    chart = embed(figures.reliability_figure(verdict.bins), "reliability")
    return {"ece": verdict.ece, "sure": sure, "right": right, "bins": verdict.bins, "chart": chart}


def _mistakes(mistakes: Sequence[Mistake], pictures: Sequence[str], named: Callable[[int], str]) -> list[Json]:
    """Join the worst mistakes with their pictures, None where there is none."""
    padded = [*pictures, *(None for _ in mistakes)]
    return [
        {
            "mistake": mistake,
            "name": named(mistake.row),
            "picture": picture,
            "small": bool(picture) and _side(picture or "") < SHARP,
        }
        for mistake, picture in zip(mistakes, padded, strict=False)
    ]


def _side(picture: str) -> int:
    """Read the width of a PNG file in base64, 0 of anything else."""
    with suppress(ValueError):
        return int.from_bytes(base64.b64decode(picture[:32])[16:20])
    return 0
