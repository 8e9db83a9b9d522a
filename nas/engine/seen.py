"""What a training's weights, backbone, teacher and search have seen of its data, as a seed divides them into parts."""

from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from itertools import chain
from typing import NamedTuple

import numpy as np

from nas import data as datasets
from nas.data import Dataset, same
from nas.errors import SettingError
from nas.files import Json
from nas.record.networks import Found
from nas.training.full.settings import TrainConfig
from nas.training.full.teacher import Teacher
from nas.training.model import Division, Model, learnt_of


def origins(
    found: Found, config: TrainConfig, begin: Model | None, teacher: Teacher | None
) -> dict[str, list[Division]]:
    """List by its name, in words, what a training comes from, and the data that each has learnt from.

    `begin` is the model whose weights it begins with, that of the backbone if it has one.
    """
    known = {}
    if found.run:
        known[f"the search {found.run.name}"] = [(found.run.config.data, found.run.config.split)]
    if found.trained:
        own = {"data": found.trained.config.data, "split_seed": found.trained.config.split}
        known[f"the training {found.trained.name}"] = [*learnt_of(own | found.trained.environment)]
    elif found.model:
        known[f"the network {config.start}"] = [*learnt_of(found.model.facts)]
    if config.backbone and begin:
        known[f"the backbone {config.backbone}"] = [*learnt_of(begin.facts)]
    if teacher and isinstance(teacher.network, Model):
        known[f"the teacher {config.teacher}"] = [*learnt_of(teacher.network.facts)]
    return known


def check_seen(
    config: TrainConfig,
    dataset: Dataset,
    known: Mapping[str, list[Division]],
    typed: bool,
    noted: Callable[[str], None],
) -> Json:
    """Return, for a record, what the weights will have `seen`, and the `overlap` with the test part in words.

    That is noted as a warning where the division was `typed`. Raises SettingError where it was not.
    """
    overlap = next(_overlaps(config, dataset, known), None)
    if overlap and not typed:
        raise SettingError(f"{overlap.said}; write --split-seed {overlap.seed}, or --split-seed {config.split} to be "
                           "warned only")  # fmt: skip
    if overlap:
        noted(f"warning: {overlap.said}: the verdict flatters")
    seen = dict.fromkeys([(config.data, config.split), *chain(*known.values())])
    return {"seen": [*seen], "overlap": overlap.said if overlap else ""}


class _Overlap(NamedTuple):
    """What has learnt from test images, in words, and the seed by which they were no test images."""

    said: str
    seed: int


def _overlaps(config: TrainConfig, dataset: Dataset, known: Mapping[str, list[Division]]) -> Iterator[_Overlap]:
    """Yield what has learnt from the same data divided by another seed, if test images are among what it learnt."""
    flawed = cache(partial(_learnt_test_images, config, dataset))  # reads the data once for each seed
    for name, divisions in known.items():
        for data, seed in divisions:
            if seed != config.split and same(data, config.data) and flawed(seed):
                yield _Overlap(
                    f"{name} learnt from {data} divided by seed {seed}, and some of its images are test images of "
                    f"seed {config.split}",
                    seed,
                )


def _learnt_test_images(config: TrainConfig, dataset: Dataset, seed: int) -> bool:
    """Tell whether test images are among those to learn from and to choose by as another seed divides the data.

    A seed may also draw other images, and data with a test part of their own keep it whatever copies they hold.
    """
    other = datasets.load(config.data, seed=seed, resolution=dataset.resolution)
    learnt = np.concatenate([other.train, other.validation])
    ours, theirs = dataset.images, other.images
    if not (isinstance(ours, np.ndarray) and isinstance(theirs, np.ndarray)):
        return bool(np.isin(dataset.test, learnt).any())  # rows of pictures on disk are the same for all seeds
    if np.array_equal(ours[dataset.test], theirs[other.test]):
        return False
    test = {image.tobytes() for image in ours[dataset.test]}
    return any(theirs[row].tobytes() in test for row in learnt)
