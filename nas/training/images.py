"""Images on the training device, loaded once as uint8 tensors, normalised and augmented batch by batch."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from nas.data import Dataset
from nas.data.sets import hold
from nas.data.stored import memory
from nas.errors import DataError
from nas.training.recipe import Recipe, mirrored
from nas.training.tasks import Follow


@dataclass(frozen=True)
class Images:
    """A data set's training and validation parts on a device, uint8 `(images, channels, height, width)`."""

    train_x: Tensor
    train_y: Tensor
    validation_x: Tensor
    validation_y: Tensor
    mean: Tensor
    std: Tensor
    mirror: bool

    def normalise(self, x: Tensor) -> Tensor:
        """Standardise images by the training part's mean and deviation, as float32 with channels last in memory."""
        x = x.to(torch.float32, memory_format=torch.channels_last)
        return x.sub_(self.mean).div_(self.std)

    @property
    def resolution(self) -> int:
        """The side in pixels."""
        return self.train_x.shape[-1]


def load_images(
    dataset: Dataset, device: torch.device, *, side: int | None = None, subset: int | None = None, seed: int = 0
) -> Images:
    """Load a data set's parts onto a device, resized to `side` pixels.

    The same `seed` draws the same `subset` of the training images. Raises DataError as `in_memory` does.
    """
    dataset = in_memory(dataset, subset, seed)
    rows = draw_rows(dataset.train, subset, seed)
    train_x, validation_x = (_resized(dataset.images[part], side) for part in (rows, dataset.validation))
    count, mean, variance = moments(torch.split(train_x, 1000), train_x.shape[1])  # all as floats would take a multiple
    std = (variance * count / max(count - 1, 1)).sqrt().float()
    return Images(
        train_x=train_x.to(device),
        train_y=torch.from_numpy(dataset.labels[rows]).to(device),
        validation_x=validation_x.to(device),
        validation_y=torch.from_numpy(dataset.labels[dataset.validation]).to(device),
        mean=mean.float().view(-1, 1, 1).to(device),
        std=std.clamp(min=1.0).view(-1, 1, 1).to(device),
        mirror=dataset.mirror,
    )


def moments(parts: Iterable[Tensor], channels: int) -> tuple[int, Tensor, Tensor]:
    """Count the values of a channel, and compute each one's mean and variance, over parts of images."""
    count, (total, squares) = 0, torch.zeros(2, channels, dtype=torch.float64)
    for x in parts:
        values = x.cpu().double()
        count += values[:, 0].numel()
        total += values.sum((0, 2, 3))
        squares += values.square().sum((0, 2, 3))
    mean = total / count
    return count, mean, (squares / count - mean.square()).clamp(min=0)


def in_memory(dataset: Dataset, subset: int | None = None, seed: int = 0) -> Dataset:
    """Decode what a search looks at, and no more, of pictures that are outside memory: the subset and `validation`.

    `test` becomes empty, and `skipped` names those of the others that cannot be read. Raises DataError where they do
    not fit in half the memory, and where nothing of a part can be read.
    """
    if isinstance(dataset.images, np.ndarray):
        return dataset
    parts = (draw_rows(dataset.train, subset, seed), dataset.validation, dataset.test[:0])
    _check_memory(dataset, sum(map(len, parts)))
    return hold(dataset, parts)


def draw_rows(rows: NDArray[np.int64], count: int | None, seed: int) -> NDArray[np.int64]:
    """Draw `count` of the rows of a part, the same for the same seed, all of them for None or too large a number."""
    if count is None or count >= len(rows):
        return rows
    return np.random.default_rng(seed).permutation(rows)[:count]


def _check_memory(dataset: Dataset, count: int) -> None:
    """Raise DataError unless so many images fit in half the memory."""
    size, most = count * math.prod(dataset.images.shape[1:]), memory() / 2
    if size > most:
        raise DataError(
            f"{dataset.name}: a search holds its images in memory, and {count:,} take {size / 2**30:.1f} GiB, more "
            f"than the {most / 2**30:.1f} that are half of it: write --subset N for fewer training images, "
            "--validation N for fewer to compare networks by, or a smaller --resolution"
        )


def _resized(images: NDArray[np.uint8], side: int | None) -> Tensor:
    x = torch.from_numpy(images)
    if side is None or x.shape[2:] == (side, side):
        return x
    parts = [
        F.interpolate(part.float(), (side, side), mode="bilinear", antialias=True) for part in torch.split(x, 1000)
    ]
    return torch.cat(parts).round_().clamp_(0, 255).to(torch.uint8)


def augment(
    x: Tensor, y: Tensor, recipe: Recipe, mirror: bool, generator: torch.Generator, follow: Follow | None = None
) -> tuple[Tensor, Tensor]:
    """Mirror each image, shift it and cut out a square, `(batch, channels, height, width)` in and out.

    What a shift uncovers is filled with the image's reflection, or, where targets `follow`, with the mean, as reflected
    things have no targets.
    """
    side, scale = x.shape[-1], x.shape[-1] / 32
    flipped, shifts = torch.zeros(len(x), dtype=torch.bool, device=x.device), torch.zeros(2, 1, device=x.device)
    if mirrored(recipe.mirror, mirror):
        flipped = torch.rand(len(x), generator=generator, device=x.device) < 0.5
        x = torch.where(flipped.view(-1, 1, 1, 1), x.flip(3), x)
    if most := min(round(recipe.shift * scale), side - 1):
        shifts = torch.randint(-most, most + 1, (2, len(x)), generator=generator, device=x.device)
        x = _shift(x, shifts, most, "constant" if follow else "reflect")
    if size := min(round(recipe.cutout * scale), side):
        x = _cutout(x, size, generator)
    return x, follow(y, _moves(flipped, shifts / side)) if follow else y


def _moves(flipped: Tensor, shifts: Tensor) -> Tensor:
    """Return scale and offset `(batch, 2, 2)` of x and y, of images that are mirrored, then moved up and left."""
    moves = torch.zeros(len(flipped), 2, 2, device=flipped.device)
    moves[:, 0, 0], moves[:, 1, 0] = 1 - 2.0 * flipped, 1.0
    moves[:, 0, 1], moves[:, 1, 1] = flipped.float() - shifts[1], -shifts[0]
    return moves


def _shift(x: Tensor, shifts: Tensor, most: int, fill: str) -> Tensor:
    """Move each image up and left by its `shifts` `(2, batch)`, of `most` pixels at most."""
    batch, _, height, width = x.shape
    windows = F.pad(x, (most,) * 4, mode=fill).unfold(2, height, 1).unfold(3, width, 1)
    moved = windows[torch.arange(batch, device=x.device), :, shifts[0] + most, shifts[1] + most]
    return moved.contiguous(memory_format=torch.channels_last)


def _cutout(x: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """Set a square of each image, in part outside it perhaps, to the mean (arXiv:1708.04552)."""
    batch, _, height, width = x.shape
    in_rows, in_columns = (_stretches(batch, side, size, generator) for side in (height, width))
    return x.masked_fill((in_rows[:, :, None] & in_columns[:, None, :])[:, None], 0.0)


def _stretches(batch: int, side: int, size: int, generator: torch.Generator) -> Tensor:
    """Draw a stretch of `size` pixels of each side `(batch, side)`, its middle any pixel, or gap of two, as likely."""
    device = generator.device
    starts = torch.randint(side + 1 - size % 2, (batch, 1), generator=generator, device=device) - size // 2
    pixels = torch.arange(side, device=device)
    return (pixels >= starts) & (pixels < starts + size)
