"""Full trainings of a tiny network on a few images, in seconds."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from nas.data.sets import Dataset
from nas.network.architecture import Architecture
from nas.network.build import build
from nas.space.library import load_architecture
from nas.training.catalogue import load_task
from nas.training.full.batches import Batches
from nas.training.full.loop import Trainer
from nas.training.full.recipe import FullRecipe
from nas.training.model import Model

CPU = torch.device("cpu")
STAGES = [
    {"block": "mbconv", "depth": 1, "width": 8, "stride": 2},
    {"block": "transformer", "depth": 1, "width": 8, "stride": 2, "head_dim": 4},
]
CLASSES = ('the "first"', "<script>alert(1)</script>", "übermäßig 进步", "it's, a\nfourth")
PLAIN_STAGES = [{"block": "transformer", "depth": 1, "width": 8, "stride": 2, "head_dim": 4}]


def network(
    side: int = 8, classes: int = 10, channels: int = 1, stages: list[Any] = STAGES, **more: Any
) -> Architecture:
    """A tiny network, by default of convolution, BatchNorm and attention."""
    stem = {"kind": "conv", "width": 8}
    return load_architecture(
        {"name": "tiny", "resolution": side, "channels": channels, "classes": classes, "stem": stem, "stages": stages}
        | more
    )


def few(dataset: Dataset, train: int, validation: int = 60, test: int = 60) -> Dataset:
    """The first images of each part."""
    return replace(
        dataset, train=dataset.train[:train], validation=dataset.validation[:validation], test=dataset.test[:test]
    )


def drawn_images(counts: list[int], side: int = 8, channels: int = 1, seed: int = 0) -> Dataset:
    """A data set of noise on a level that tells the class, with so many training images of each class."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(counts)), counts)
    labels = np.concatenate([labels, np.arange(len(counts)).repeat(6)])
    levels = 40 + 160 * labels / max(len(counts) - 1, 1)
    images = np.clip(levels[:, None, None, None] + rng.normal(0, 20, (len(labels), channels, side, side)), 0, 255)
    rows = np.split(np.arange(len(labels)), [sum(counts), sum(counts) + 3 * len(counts)])
    names = tuple(f"class {i}" for i in range(len(counts)))
    return Dataset("drawn", images.astype(np.uint8), labels.astype(np.int64), names, *rows)


def trainer(
    dataset: Dataset, recipe: FullRecipe, architecture: Architecture | None = None, seed: int = 0, **more: Any
) -> Trainer:
    """What trains a new network on a data set."""
    architecture = architecture or network(dataset.resolution, len(dataset.classes), dataset.channels)
    batches = Batches(dataset, CPU, loaders=0)
    net = build(architecture, drop_path=recipe.drop_path, seed=seed)
    model = Model(net, dataset.classes, *batches.statistics())
    return Trainer(model, load_task("classification"), batches, recipe, seed=seed, **more)


def archive(file: Path, classes: tuple[str, ...] = CLASSES, count: int = 160, channels: int = 1, seed: int = 0) -> str:
    """The name of a data set of noise on levels that tell the class, each level a class."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % len(classes)
    levels = 40 + 170 * labels / (len(classes) - 1)
    images = np.clip(levels[:, None, None, None] + rng.normal(0, 25, (count, 8, 8, channels)), 0, 255)
    np.savez(file, x=images.astype(np.uint8), y=np.array(classes)[labels])
    return f"npz:{file}"
