"""The images and labels that a reader of data hands over, and what must hold of them."""

from collections.abc import Sized
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nas.errors import DataError


class Split(NamedTuple):
    """Labelled images: uint8 `(images, channels, height, width)`, and the labels as in a data set."""

    images: NDArray[np.uint8]
    labels: NDArray[Any]


def check_split(name: str, split: Split, classes: Sized, targets: str) -> None:
    """Raise DataError for images of another type or shape, and for labels that are too few or name no class."""
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
