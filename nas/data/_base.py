"""What a data set is, and how it is divided."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Dataset:
    """Images in memory, divided once into three parts. A search trains on `train` and scores on `validation`.

    `images` is uint8 `(images, channels, height, width)`, `labels` int64 `(images,)`; the parts are row numbers.
    `mirror` tells whether a mirrored image keeps its class; `skipped` names what could not be read.
    """

    name: str
    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]
    mirror: bool = True
    skipped: tuple[str, ...] = ()

    @property
    def channels(self) -> int:
        """1 for grey images, 3 for colour."""
        return int(self.images.shape[1])

    @property
    def resolution(self) -> int:
        """The longer side in pixels."""
        return int(max(self.images.shape[2:]))
