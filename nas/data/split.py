"""The images and labels that a reader of data hands over, and what must hold of them."""

from collections.abc import Sized
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nas.data import boxes
from nas.errors import DataError, type_name


class Split(NamedTuple):
    """Labelled images: uint8 `(images, channels, height, width)`, and the labels as in a data set."""

    images: NDArray[np.uint8]
    labels: NDArray[Any]


def check_split(name: str, split: Split, classes: Sized, targets: str) -> None:
    """Raise DataError for images of another type or shape, and for labels that are too few, name no class or no box."""
    images, labels = np.asarray(split.images), split.labels
    if images.dtype != np.uint8:  # of floats the mean and the deviation of the pixels would be wrong
        raise DataError(f"{name}: found images of {images.dtype}; write uint8, pixels from 0 to 255")
    if images.ndim != 4:
        raise DataError(f"{name}: found images of shape {images.shape}; write (images, channels, height, width)")
    if len(images) != len(labels):
        raise DataError(f"{name}: found {len(images):,} images and {len(labels):,} labels; write one label an image")
    if targets == "classes" and len(labels):
        least, most = int(np.min(labels)), int(np.max(labels))
        if least < 0 or most >= len(classes):
            raise DataError(f"{name}: found labels from {least} to {most}; of {len(classes)} classes they go from 0 to "
                            f"{len(classes) - 1}")  # fmt: skip
    if targets == "boxes":
        if not isinstance(labels, np.ndarray):
            raise DataError(f"{name}: found boxes in a {type_name(labels)}; write an array of numpy, as "
                            "nas.data.boxes.pack makes it")  # fmt: skip
        _check_boxes(name, labels, len(classes))


def _check_boxes(name: str, labels: NDArray[Any], classes: int) -> None:
    """Raise DataError for labels of another shape, for numbers of no class, and for lengths that are no shares."""
    if labels.ndim != 3 or labels.shape[2] != boxes.COLUMNS:
        raise DataError(f"{name}: found boxes of shape {labels.shape}; write (images, boxes, {boxes.COLUMNS}), as "
                        "nas.data.boxes.pack does")  # fmt: skip
    numbers, shares = labels[..., boxes.CLASS], labels[boxes.held(labels)][:, boxes.X :]
    if (wrong := numbers[~np.isin(numbers, np.arange(boxes.NONE, classes))]).size:
        raise DataError(f"{name}: found a box of class {wrong[0]:g}; of {classes} classes they go from 0 to "
                        f"{classes - 1}, and {boxes.NONE:g} is no box")  # fmt: skip
    if (wrong := shares[~((shares >= 0) & (shares <= 1))]).size:  # so that NaN is wrong, too
        raise DataError(f"{name}: found a box with {wrong[0]:g}; write shares of the image's sides, from 0 to 1, and 1 "
                        "for a crowd, else 0")  # fmt: skip
