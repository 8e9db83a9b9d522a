"""Images of the data that a model was trained on, for formats that measure on them."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from nas import data
from nas.data.parts import PARTS
from nas.data.stored import Pictures, fits, gather
from nas.errors import DataError, SettingError
from nas.report.formats import Examples
from nas.training.full.batches import Batches
from nas.training.model import Model, scaled, split_of

CALIBRATION, VALIDATION = 512, 5000
"""The most images of the training and of the validation part that a format is given."""
CPU = torch.device("cpu")
MEMORY = 1 << 30
"""The most bytes that the images of a part may take."""


class Images:
    """The images of a model's data, read when first asked for.

    `name` is a data set, by default the model's own, which is divided by `split_seed`, by default as in the training.
    """

    def __init__(self, model: Model, name: str | None = None, split_seed: int | None = None) -> None:
        self.model, self.name = model, name
        self.split_seed = (split_of(model.facts) or 0) if split_seed is None else split_seed

    def training(self) -> Examples:
        """Read images of the training part. Raises DataError or SettingError where they cannot be read."""
        return self._examples(self._dataset.train, CALIBRATION)

    def validation(self) -> Examples:
        """Read images of the validation part. Raises DataError or SettingError where they cannot be read."""
        return self._examples(self._dataset.validation, VALIDATION)

    @cached_property
    def _dataset(self) -> data.Dataset:
        facts, architecture = self.model.facts, self.model.architecture
        name = self.name or facts.get("data")
        if not name:
            raise SettingError("the model does not say which images it was trained on; name them with --data")
        found = data.load(str(name), seed=self.split_seed, resolution=architecture.resolution, in_memory=False)
        if found.channels != architecture.channels:
            raise DataError(f"{name}: images of {found.channels} channels, the network takes {architecture.channels}")
        if found.classes != self.model.classes:
            few = ", ".join(self.model.classes[:5])
            raise DataError(f"{name}: its classes are not the model's ({few} ...); name the model's own images "
                            "with --data")  # fmt: skip
        if not self.name and holds_others(facts, Batches(found, CPU, loaders=0)):
            raise DataError(f"{name}: holds other images than when the model was trained, so that its parts would mix; "
                            "give it back what it had, or name other images with --data")  # fmt: skip
        return found

    def _examples(self, rows: NDArray[np.int64], most: int) -> Examples:
        """Read rows, drawn without order where there are more than may be, without those that are damaged."""
        most = min(most, max(MEMORY // (4 * int(np.prod(self.model.architecture.image_shape))), 1))
        if len(rows) > most:
            rows = np.sort(np.random.default_rng(0).choice(rows, most, replace=False))
        found = gather(self._dataset.images, rows)
        if not len(found.pixels):
            raise DataError(f"{self._dataset.name}: no image can be read: {next(iter(found.unreadable), '')}")
        labels = torch.from_numpy(self._dataset.labels[rows[found.readable]])
        return Examples(scaled(torch.from_numpy(np.ascontiguousarray(found.pixels))), labels)


def holds_others(facts: Mapping[str, Any], batches: Batches) -> bool:
    """Tell whether parts have other sizes than in the training, which counts what can be read where it fits in memory.

    To find what is damaged behind its header takes decoding all, so only sizes that differ are looked into.
    """
    dataset = batches.dataset
    known = facts.get("parts", dataset.parts)
    if known == dataset.parts or (isinstance(dataset.images, Pictures) and not fits(dataset.images)):
        return bool(known != dataset.parts)
    return bool(known != {part: len(batches.readable(getattr(dataset, part))) for part in PARTS})
