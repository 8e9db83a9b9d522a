"""Boxes on images as labels, the targets "boxes" of a data set: float32 `(images, most, 6)`, a row a box.

Its columns are the constants here. Lengths are shares of the square image's sides. A row that holds no box has class -1
and zeros. A crowd is an area to be ignored, neither learnt nor counted.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

CLASS, X, Y, W, H, CROWD = range(6)
"""The columns: number of the class, centre, width, height, and 1 for a crowd."""
COLUMNS = 6
NONE = -1.0
"""The class of a row that holds no box."""

Floats = NDArray[np.floating[Any]]
Boxes = NDArray[np.float32]
Size = tuple[int, int]
"""Width and height in pixels."""
Share = tuple[float, float]
"""How much of a square's width and height is picture."""


def pack(boxes: Sequence[ArrayLike]) -> Boxes:
    """Pack the boxes of each image, `(count, 6)`, into one array with rows for the most that any has, at least 1."""
    images = [np.reshape(found, (-1, COLUMNS)) for found in boxes]  # so that an empty list is none
    packed = np.zeros((len(images), max([1, *map(len, images)]), COLUMNS), np.float32)
    packed[..., CLASS] = NONE
    for rows, found in zip(packed, images, strict=True):
        rows[: len(found)] = found
    return packed


def unpack(labels: Floats) -> list[Floats]:
    """Return the boxes of each image, `(count, 6)`, without the rows that hold none."""
    return [rows[there] for rows, there in zip(labels, held(labels), strict=True)]


def held(labels: Floats) -> NDArray[np.bool_]:
    """Tell of each row whether it holds a box."""
    return np.asarray(labels[..., CLASS] >= 0)


def counted(labels: Floats) -> NDArray[np.bool_]:
    """Tell of each row whether it holds a box that counts, which a crowd does not."""
    return np.asarray(held(labels) & (labels[..., CROWD] == 0), bool)


def stack(parts: Sequence[Floats]) -> Boxes:
    """Lay the packed boxes of several parts one after another, whatever the most of each."""
    return pack([found for part in parts for found in unpack(part)])


class Count(NamedTuple):
    """How many boxes there are of each class, without crowds, and how many images have none."""

    boxes: list[int]
    bare: int


def count(labels: Floats, classes: int) -> Count:
    """Count what the labels of some images hold."""
    there = counted(labels)
    numbers = labels[..., CLASS][there].astype(np.int64)
    return Count(np.bincount(numbers, minlength=classes).tolist(), int((~there.any(1)).sum()))


def shown(labels: Floats, classes: int) -> NDArray[np.bool_]:
    """Tell which classes each image shows `(images, classes)`, by boxes that count."""
    found = np.zeros((len(labels), classes), np.bool_)
    image, row = np.nonzero(counted(labels))
    found[image, labels[image, row, CLASS].astype(np.int64)] = True
    return found


def spread(rows: dict[str, NDArray[np.int64]], cut_off: Sequence[str], shown: NDArray[np.bool_]) -> None:
    """Exchange as few images as may be, so that training has every class and each part that was cut off some box.

    `rows` are those of each part; `shown` tells which classes each image shows, `(images, classes)`. Nothing changes
    where that is so already.
    """
    parts = _Parts(rows, shown)
    for part in cut_off:
        parts.complete(part)
    for part in cut_off:
        if not parts.boxed(part).any() and not any(parts.spare(giver).any() for giver in ("train", *cut_off)):
            for giver in cut_off:
                parts.enrich(giver)
        for giver in ("train", *cut_off):
            if not parts.boxed(part).any() and parts.spare(giver).any():
                parts.exchange(giver, int(np.argmax(parts.spare(giver))), part, 0)
    for part in ("train", *cut_off):
        rows[part].sort()


class _Parts:
    """The rows of each part while images are exchanged, and the classes that each image shows."""

    def __init__(self, rows: dict[str, NDArray[np.int64]], shown: NDArray[np.bool_]) -> None:
        self.rows, self.shown, self._boxed = rows, shown, np.asarray(shown.any(1))

    def boxed(self, part: str) -> NDArray[np.bool_]:
        """Tell which images of a part have boxes."""
        return self._boxed[self.rows[part]]

    def spare(self, part: str) -> NDArray[np.bool_]:
        """Tell which of these it can do without: as long as one is left, and in training one for each class."""
        mine, boxed = self.shown[self.rows[part]], self.boxed(part)
        dear = (mine & (mine.sum(0) == 1)).any(1) if part == "train" else boxed.sum() == 1
        return np.asarray(boxed & ~dear)

    def exchange(self, giver: str, one: int, taker: str, other: int) -> None:
        """Exchange an image of a part for one of another, by their places."""
        rows = self.rows
        rows[giver][one], rows[taker][other] = rows[taker][other], rows[giver][one]

    def complete(self, giver: str) -> None:
        """Bring the classes into training that only a part which was cut off shows."""
        mine, taught = self.rows[giver], self.rows["train"]
        for kind in np.flatnonzero(self.shown[mine].any(0) & ~self.shown[taught].any(0)):
            spared = self.spare("train")
            other = spared if spared.any() else ~self.boxed("train")
            if not self.shown[taught, kind].any() and other.any():
                self.exchange(giver, int(np.argmax(self.shown[mine, kind])), "train", int(np.argmax(other)))

    def enrich(self, giver: str) -> None:
        """Bring an image into training that shows there what several do, so that one of them is to spare."""
        taught = self.rows["train"]
        needed = self.shown[taught].any(0)
        for one in np.flatnonzero(self.boxed(giver)).tolist():
            for other in np.flatnonzero(self.boxed("train")).tolist():
                self.exchange(giver, one, "train", other)
                if self.spare("train").any() and not (needed & ~self.shown[taught].any(0)).any():
                    return
                self.exchange(giver, one, "train", other)


def upper_left(boxes: NDArray[Any]) -> NDArray[Any]:
    """Turn centre, width and height into the upper left corner, width and height, which is COCO's way."""
    return np.concatenate([boxes[..., 0:2] - boxes[..., 2:4] / 2, boxes[..., 2:4]], axis=-1)


def to_square(corners: Floats, size: Size, share: Share) -> Floats:
    """Turn corners (left, top, right, bottom) in pixels of a picture of this `size` into centre, width and height.

    These are shares of the square of which the picture takes the upper left `share`.
    """
    low, high = (corners[..., at] / size * share for at in (slice(0, 2), slice(2, 4)))
    return np.concatenate([(low + high) / 2, high - low], axis=-1)


def to_picture(boxes: Floats, size: Size, share: Share) -> Floats:
    """Turn centres, widths and heights in shares of a square back into corners in the picture's own pixels.

    What lies beyond the picture's edge is cut off.
    """
    centre, half = boxes[..., 0:2], boxes[..., 2:4] / 2
    low, high = ((at / share * size).clip(0, size) for at in (centre - half, centre + half))
    return np.concatenate([low, high], axis=-1)
