"""Photographs with boxes as a data set: what its readers share once they know the pictures and what is marked on them.

What cannot be used is left out and named with its cause, box by box; it ends nothing as long as anything is left.
"""

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import compress
from pathlib import Path
from typing import NamedTuple

import numpy as np

from nas.data import boxes
from nas.data.parts import PARTS
from nas.data.pictures import share_of
from nas.data.sets import Dataset, divide
from nas.data.stored import StoredPictures, screened
from nas.errors import DataError
from nas.files import readable

RESOLUTION = 128
LEAST = 0.1  # pixels of the photograph that a box is wide and high, or it has no area
SLACK = 0.02  # of its sides that a photograph may differ in shape from what its annotation says


class Mark(NamedTuple):
    """A box on a photograph: its class, its corners (left, top, right, bottom) in pixels, and whether it is ignored."""

    name: str
    corners: tuple[float, float, float, float]
    crowd: bool = False


@dataclass(frozen=True)
class Photograph:
    """A picture's file, its part, and the width and height in which its marks count, if known."""

    file: Path
    part: str
    marks: tuple[Mark, ...]
    size: tuple[float, float] | None = None


@dataclass
class Left:
    """What is left out, each with its cause, as `Dataset.skipped` has it."""

    named: list[str] = field(default_factory=list)

    def out(self, what: str, cause: str) -> None:
        """Leave something out: a picture, or a box of one."""
        self.named.append(f"{readable(what)} ({cause})")

    @property
    def said(self) -> str:
        """How much was left out and the first of it, or an empty text."""
        return f" {len(self.named):,} left out, the first {self.named[0]}." if self.named else ""


def mark(name: str, corners: Sequence[object], crowd: bool, where: str, left: Left) -> Mark | None:
    """Make a mark of corners as a file has them, or leave it out where they are no numbers or span no area."""
    try:
        x0, y0, x1, y1 = (float(str(value)) for value in corners)
    except ValueError:
        left.out(where, "box without four numbers")
        return None
    if not all(map(math.isfinite, (x0, y0, x1, y1))):
        left.out(where, "box without four numbers")
    elif min(x1 - x0, y1 - y0) < LEAST:
        left.out(where, "box of no area")
    else:
        return Mark(name, (x0, y0, x1, y1), crowd)
    return None


def photographs(
    name: str,
    folder: Path,
    found: Sequence[Photograph],
    order: Sequence[str],
    left: Left,
    *,
    seed: int,
    resolution: int | None,
    in_memory: bool | None,
    divided: bool,
) -> Dataset:
    """Make a data set of photographs, whole in squares of `resolution` (128), with their marks as boxes.

    Its classes are the names of `order` that mark something in the training part, or in any where they are not to be
    `divided`. Raises DataError where nothing is left to learn from.
    """
    found = sorted(found, key=lambda one: (PARTS.index(one.part), one.file))
    side, names = resolution or RESOLUTION, (os.path.relpath(one.file, folder) for one in found)
    pictures, there, unreadable, sizes = screened(StoredPictures(folder, names, side, channels=3, whole=True))
    left.named += unreadable
    fitted = [_fitted(*pair, left) for pair in zip(compress(found, there), map(tuple, sizes.tolist()), strict=True)]
    rows = np.flatnonzero([one is not None for one in fitted])
    kept = [one for one in fitted if one is not None]
    classes = _classes(kept, order, left, PARTS[:1] if divided else PARTS)
    if not classes:
        which, use = ("of the training part ", "learn from") if divided else ("", "judge by")
        raise DataError(f"{name}: no picture {which}has a box to {use}.{left.said}")
    numbers = {each: number for number, each in enumerate(classes)}
    labels = boxes.pack([_rows(one, size, numbers, side) for one, size in zip(kept, sizes[rows].tolist(), strict=True)])
    parts = np.bincount([PARTS.index(one.part) for one in kept], minlength=len(PARTS)).tolist()
    return divide(
        name, classes, pictures.take(rows, pictures.channels), labels, parts,
        seed=seed, mirror=True, skipped=tuple(left.named), in_memory=in_memory, divided=divided, targets="boxes",
    )  # fmt: skip


def _fitted(one: Photograph, size: tuple[int, int], left: Left) -> Photograph | None:
    """Bring the marks to the picture's own size and cut them off at its edges, or leave a picture of another shape out.

    An annotation may count in pixels of a larger copy, but not of one that is turned or cropped.
    """
    across, down = (mine / theirs for mine, theirs in zip(size, one.size or size, strict=True))
    if abs(across - down) > SLACK * max(across, down) + 1 / min(size):
        said = "x".join(f"{length:g}" for length in one.size or size)
        left.out(one.file.name, f"picture of another shape than annotated: {size[0]}x{size[1]}, not {said}")
        return None
    marks: dict[Mark, None] = {}
    corners = np.array([each.corners for each in one.marks]).reshape(-1, 4) * (across, down, across, down)
    for each, (x0, y0, x1, y1) in zip(one.marks, corners.clip(0, (*size, *size)).tolist(), strict=True):
        cut = each._replace(corners=(x0, y0, x1, y1))
        if min(x1 - x0, y1 - y0) < LEAST:
            left.out(f"{each.name} in {one.file.name}", "box outside its picture")
        elif cut in marks:
            left.out(f"{each.name} in {one.file.name}", "box that occurs twice")
        else:
            marks[cut] = None
    return replace(one, marks=tuple(marks))


def _classes(kept: Sequence[Photograph], order: Sequence[str], left: Left, parts: Sequence[str]) -> tuple[str, ...]:
    """Return the classes that these parts show, and leave the marks of others out."""
    trained = {m.name for one in kept if one.part in parts for m in one.marks if not m.crowd}
    for one in kept:
        for each in one.marks:
            if each.name not in trained:
                left.out(f"{each.name} in {one.file.name}", "class without a training box")
    return tuple(name for name in dict.fromkeys(order) if name in trained)


def _rows(one: Photograph, size: tuple[int, int], numbers: Mapping[str, int], side: int) -> boxes.Boxes:
    """Return the rows that hold a photograph's boxes, `(count, 6)`, of classes that have numbers."""
    marks = [each for each in one.marks if each.name in numbers]
    corners = np.array([each.corners for each in marks]).reshape(-1, 4)
    rows = np.zeros((len(marks), boxes.COLUMNS), np.float32)
    rows[:, boxes.CLASS] = [numbers[each.name] for each in marks]
    rows[:, boxes.X : boxes.CROWD] = boxes.to_square(corners, size, share_of(size, side))
    rows[:, boxes.CROWD] = [each.crowd for each in marks]
    return rows
