"""What a confusion matrix says of each class, and which classes are taken for which."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nas.training.chance import wilson

Table = NDArray[np.int64]
"""Counts `(classes, classes)`: the images of each class (row) by the class that they were taken for (column)."""


@dataclass(frozen=True)
class Recall:
    """How many images of a class are recognised.

    `low` and `high` bound their share with 95 % confidence (Wilson). `claimed` counts the images that were taken for
    the class. `rival` is the class that most others were taken for, `lost` their number.
    """

    label: int
    images: int
    right: int
    low: float
    high: float
    claimed: int
    rival: int
    lost: int

    @property
    def share(self) -> float | None:
        """The share of the class's images that is recognised, None without images."""
        return self.right / self.images if self.images else None

    @property
    def precision(self) -> float | None:
        """The share of the images taken for the class that belongs to it, None without such images."""
        return self.right / self.claimed if self.claimed else None


@dataclass(frozen=True)
class Pair:
    """So many of a class's `images` were taken for another class."""

    label: int
    predicted: int
    count: int
    images: int


def recalls(confusion: Sequence[Sequence[int]]) -> list[Recall]:
    """Judge every class, the worst first, those with more images first where equal, those without images last."""
    table = np.array(confusion, dtype=np.int64)
    images, claimed, right, rivals = table.sum(1), table.sum(0), table.diagonal(), mistakes(table)
    found = [
        Recall(
            i, int(images[i]), int(right[i]), *wilson(int(right[i]), int(images[i])),
            int(claimed[i]), int(rivals[i].argmax()), int(rivals[i].max()),
        )
        for i in range(len(table))
    ]  # fmt: skip
    return sorted(found, key=lambda one: (one.share is None, one.share, -one.images))


def pairs(confusion: Sequence[Sequence[int]], most: int) -> list[Pair]:
    """List the pairs of classes that are confused most often, by images, then by share of the class."""
    table = np.array(confusion, dtype=np.int64)
    images, wrong = table.sum(1), mistakes(table)
    rows, columns = np.nonzero(wrong)
    counts = wrong[rows, columns]
    order = np.lexsort((-counts / images[rows], -counts))[:most]
    return [Pair(int(rows[i]), int(columns[i]), int(counts[i]), int(images[rows[i]])) for i in order]


def mistakes(table: Table) -> Table:
    """Return the counts without those of right answers."""
    wrong = table.copy()
    np.fill_diagonal(wrong, 0)
    return wrong
