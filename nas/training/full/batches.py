"""The images of a training, batch by batch: kept on the device where they fit, else decoded as they are asked for."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from joblib import cpu_count
from numpy.typing import NDArray
from torch import Tensor

from nas.data import Dataset
from nas.data.stream import stream
from nas.errors import DataError, SettingError
from nas.training.full.group import processes_here
from nas.training.full.recipe import FullRecipe
from nas.training.images import moments
from nas.training.model import scaled

SAMPLE = 5000  # images whose mean and deviation stand for all
LIMIT, PIXELS = 1000, 2**22  # images, and their pixels, that a network sees at once when it is judged
Rows = NDArray[np.int64]
Batch = tuple[Tensor, Tensor]
"""Images of values from 0 to 1 and their targets, on the device."""


class Batches:
    """Serves the batches of a data set on a device.

    `loaders` processes decode images that are not in memory, by default one for each core but one of those that
    this process may use, which the processes of a training share. `unreadable` collects the files left out.
    """

    def __init__(self, dataset: Dataset, device: torch.device, loaders: int | None = None) -> None:
        self.dataset, self.device = dataset, device
        self.loaders = max(cpu_count() // processes_here() - 1, 1) if loaders is None else loaders
        self.unreadable: dict[str, None] = {}
        held = isinstance(dataset.images, np.ndarray)
        self.images = torch.from_numpy(dataset.images).to(device) if held else None
        self.labels = torch.from_numpy(dataset.labels).to(device)

    def __call__(self, batches: Sequence[Rows]) -> Iterator[Batch]:
        """Yield the images of each group of rows, less those that cannot be read, which may be all."""
        if self.images is not None:
            for rows in batches:
                place = torch.from_numpy(rows).to(self.device)
                yield self._ready(self.images[place]), self.labels[place]
            return
        for x, y, unreadable in stream(self.dataset, batches, self.loaders):
            self.unreadable |= dict.fromkeys(unreadable)
            yield self._ready(x.to(self.device, non_blocking=True)), y.to(self.device, non_blocking=True)

    def _ready(self, x: Tensor) -> Tensor:
        return scaled(x).contiguous(memory_format=torch.channels_last)

    def part(self, rows: Rows) -> Iterator[Batch]:
        """Yield a whole part in its order, less what cannot be read."""
        size = max(min(LIMIT, PIXELS // self.dataset.resolution**2), 1)
        return (batch for batch in self([rows[i : i + size] for i in range(0, len(rows), size)]) if len(batch[0]))

    def readable(self, rows: Rows) -> Rows:
        """Find the places among the rows of those whose images can be read."""
        images = self.dataset.images
        if isinstance(images, np.ndarray):
            return np.arange(len(rows))
        return np.array([i for i, row in enumerate(rows.tolist()) if images.read(row).pixels is not None], np.int64)

    def statistics(self) -> tuple[list[float], list[float]]:
        """Compute mean and deviation of each channel over the training part, or a spread of it, from 0 to 1.

        Raises DataError when none of its images can be read.
        """
        rows = self.dataset.train[:: max(len(self.dataset.train) // SAMPLE, 1)]
        count, mean, variance = moments((x for x, _ in self.part(rows)), self.dataset.channels)
        if not count:
            raise DataError(f"{self.dataset.name}: no image of the training part can be read")
        return mean.tolist(), variance.sqrt().clamp(min=1 / 255).tolist()


def class_weights(dataset: Dataset) -> Tensor:
    """Weigh each class against its share of the training part, 1 on average over the images."""
    counts = np.bincount(dataset.labels[dataset.train], minlength=len(dataset.classes))
    return torch.from_numpy(len(dataset.train) / (len(counts) * np.maximum(counts, 1))).float()


def step_of(recipe: FullRecipe, images: int) -> tuple[int, int]:
    """Return the images of a step and its parts, fewer of the same size where there are fewer images than a batch."""
    size = min(recipe.batch_size, images)
    return size, math.ceil(size * recipe.accumulate / recipe.batch_size)


@contextmanager
def enough_images(recipe: FullRecipe) -> Iterator[None]:
    """Raise SettingError where BatchNorm is given one value a channel, of a part of one image."""
    try:
        yield
    except ValueError as error:
        if "more than 1 value per channel" not in str(error):
            raise
        few = "leaves parts of one image, too few for BatchNorm where a map is one pixel"
        if recipe.accumulate > 1:
            raise SettingError(f"--accumulate {recipe.accumulate}: {few}; write fewer") from None
        raise SettingError(f"--batch-size {recipe.batch_size}: {few}; write more, or train on more images or in fewer "
                           "processes") from None  # fmt: skip


def drawn(dataset: Dataset, rng: np.random.Generator, alike: bool) -> Rows:
    """Draw the order of an epoch's images: each once, or, with classes `alike`, with replacement."""
    if not alike:
        return rng.permutation(dataset.train)
    chances = class_weights(dataset).numpy().astype(float)[dataset.labels[dataset.train]]
    return rng.choice(dataset.train, len(dataset.train), p=chances / chances.sum())


def weighed(shares: Tensor, weights: Tensor, smoothing: float) -> Tensor:
    """Weigh the targets of each image `(batch, classes)` as a whole, by its classes, once they are smoothed.

    What an image asks for stays its shares, so that weights teach no network to doubt.
    """
    smooth = torch.lerp(shares, torch.full_like(shares, 1 / shares.shape[1]), smoothing)
    return smooth * (shares @ weights)[:, None]
