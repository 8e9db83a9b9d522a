"""Copies: images to judge by that are also trained on, on which a network is better than on images it never saw."""

import hashlib

import numpy as np
from numpy.typing import NDArray

from nas.data.sets import Dataset
from nas.files import Json

MANY = 0.01  # the share of a part from which on copies move what is measured on it
JUDGED = ("validation", "test")


def copies(dataset: Dataset) -> dict[str, int] | None:
    """Count the validation and the test images that are also training images, pixel for pixel.

    None where pixels are not in memory.
    """
    images = dataset.images
    if not isinstance(images, np.ndarray):
        return None
    trained = {_digest(images[row]) for row in dataset.train}
    return {part: sum(_digest(images[row]) in trained for row in getattr(dataset, part)) for part in JUDGED}


def _digest(image: NDArray[np.uint8]) -> bytes:
    return hashlib.sha256(np.ascontiguousarray(image).data).digest()


def flattered(data: Json) -> str:
    """Say how many images to judge by are copies of training images, or nothing where they are few.

    `data` are `parts`, their numbers of images by name, and `copies` as counted, if they were.
    """
    counts, parts = data.get("copies") or {}, data.get("parts") or {}
    said = [
        f"{count:,} of {parts[part]:,} {part} images"
        for part, count in counts.items()
        if count and count >= MANY * parts[part]
    ]
    if not said:
        return ""
    return (f"{' and '.join(said)} are also among the training images, pixel for pixel: what is measured on them "
            "flatters. Take the copies out of the data, or keep all of an image's in one part.")  # fmt: skip
