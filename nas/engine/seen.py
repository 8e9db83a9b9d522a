"""What a training's weights, backbone, teacher and search have seen of its data, as a seed divides them into parts."""

from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from itertools import chain
from typing import NamedTuple

import numpy as np

from nas import data as datasets
from nas.data import Dataset, one_test, same
from nas.errors import SettingError
from nas.files import Json
from nas.record.networks import Found
from nas.training.full.settings import TrainConfig
from nas.training.full.teacher import Teacher
from nas.training.model import Model, learnt_of, split_of


class Seen(NamedTuple):
    """Data that something learnt from, the seed that divided them, and how many images each part had, if known."""

    data: str
    seed: int
    parts: Mapping[str, int] | None = None

    def as_divided_into(self, dataset: Dataset) -> bool:
        """Tell whether the data held as many images as now, as far as is known. A search may judge by fewer."""
        return not self.parts or all(self.parts[part] == dataset.parts[part] for part in ("train", "test"))


def origins(found: Found, config: TrainConfig, begin: Model | None, teacher: Teacher | None) -> dict[str, list[Seen]]:
    """List by its name, in words, what a training comes from, and the data that each has learnt from.

    `begin` is the model whose weights it begins with, that of the backbone if it has one.
    """
    known = {}
    if home := found.home:
        own = {"data": home.config.data, "split_seed": home.config.split} | home.environment
        parts = home.seal.get("data", {}).get("parts")
        known[f"the {'search' if found.run else 'training'} {home.name}"] = _learnt(own | {"parts": parts})
    elif found.model:
        known[f"the network {config.start}"] = _learnt(found.model.facts)
    if config.backbone and begin:
        known[f"the backbone {config.backbone}"] = _learnt(begin.facts)
    if teacher and isinstance(teacher.network, Model):
        known[f"the teacher {config.teacher}"] = _learnt(teacher.network.facts)
    return known


def _learnt(facts: Json) -> list[Seen]:
    """Read what weights learnt from; the parts are those of the last training."""
    last = facts.get("data"), split_of(facts)
    return [Seen(*one, facts.get("parts") if one == last else None) for one in learnt_of(facts)]


def check_seen(
    config: TrainConfig,
    dataset: Dataset,
    known: Mapping[str, list[Seen]],
    told_seed: int | None,
    noted: Callable[[str], None],
) -> Json:
    """Return, for a record, what the weights will have `seen`, and the `overlap` with the test part in words.

    That is noted as a warning where a seed of the division was told, or where the data hold other images than
    before, which no division mends. Raises SettingError otherwise.
    """
    overlap = next(_overlaps(config, dataset, known), None)
    if overlap and overlap.seed is not None and told_seed is None:
        raise SettingError(f"{overlap.said}; write --split-seed {overlap.seed}, or --split-seed {config.split} to be "
                           "warned only")  # fmt: skip
    if overlap:
        noted(f"warning: {overlap.said}: the verdict flatters")
    seen = dict.fromkeys([(config.data, config.split), *((one.data, one.seed) for one in chain(*known.values()))])
    return {"seen": [*seen], "overlap": overlap.said if overlap else ""}


class _Overlap(NamedTuple):
    """What has learnt from test images, in words, and the seed by which they were no test images, if there is one."""

    said: str
    seed: int | None = None


def _overlaps(config: TrainConfig, dataset: Dataset, known: Mapping[str, list[Seen]]) -> Iterator[_Overlap]:
    """Yield what has learnt from the same data divided otherwise, if test images are among what it learnt."""
    flawed = cache(partial(_learnt_test_images, config, dataset))  # reads the data once for each seed
    for name, one in ((name, one) for name, learnt in known.items() for one in learnt if same(one.data, config.data)):
        alike, other = one.as_divided_into(dataset), one.seed != config.split
        if (alike and not other) or not flawed(one.seed if other else int(not config.split)):
            continue
        said = f"{name} learnt from {one.data} "
        if alike:
            said += f"divided by seed {one.seed}, and some of its images are test images of seed {config.split}"
            yield _Overlap(said, one.seed)
        else:
            yield _Overlap(f"{said}when it held other images, some of which may be test images now")


def _learnt_test_images(config: TrainConfig, dataset: Dataset, seed: int) -> bool:
    """Tell whether test images are among those to learn from and to choose by as another seed divides the data.

    A seed may also draw other images, and data with a test part of their own keep it whatever copies they hold.
    """
    other = datasets.load(config.data, seed=seed, resolution=dataset.resolution)
    learnt = np.concatenate([other.train, other.validation])
    if one_test(dataset, other):
        return False
    ours, theirs = dataset.images, other.images
    if not (isinstance(ours, np.ndarray) and isinstance(theirs, np.ndarray)):
        return bool(np.isin(dataset.test, learnt).any())
    test = {image.tobytes() for image in ours[dataset.test]}
    return any(theirs[row].tobytes() in test for row in learnt)
