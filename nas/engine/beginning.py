"""The beginning of a training: its data, teacher, recipe and first weights, before anything is written."""

from collections.abc import Callable, Collection, Mapping
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nas import data as datasets
from nas.costs.deployment import choose_device
from nas.data import Dataset
from nas.errors import SettingError, option_text
from nas.files import Json
from nas.network.architecture import Architecture
from nas.network.build import Network, build
from nas.network.compiling import no_compiler
from nas.network.layers.initialise import scaled
from nas.network.weights import adapt
from nas.record.folders import is_run, is_trained, untrained
from nas.record.networks import Found, find_network
from nas.record.results import Result
from nas.record.tracking import check_trackers
from nas.record.trial import Trial
from nas.settings import text_of
from nas.space.library import load_architecture
from nas.space.space import SearchSpace
from nas.training.catalogue import check_head, check_metrics, check_targets, load_task, task_of_head
from nas.training.full.batches import Batches, enough_images, step_of
from nas.training.full.group import Alone, Together
from nas.training.full.recipe import FullRecipe, load_recipe
from nas.training.full.settings import TrainConfig
from nas.training.full.teacher import Teacher, from_model, from_timm
from nas.training.model import Model

LARGE = 224  # pixels from which on networks are trained as on ImageNet


def find_architecture(
    source: Architecture | Mapping[str, Any] | Model | Result | Trial | str | Path, runs: Path
) -> Found:
    """Find the network that a text names, or that an architecture or its plain data are.

    Raises SettingError or SpaceError where there is none. A model is refused, as no later start would find its weights,
    and a result, as it does not know the data of its search.
    """
    if isinstance(source, Architecture | Mapping | SearchSpace):
        return Found(load_architecture(source))
    if isinstance(source, Model):
        raise SettingError("architecture: found a model; write the folder or the file of its weights, by which the "
                           "training can go on, or model.architecture to train it anew")  # fmt: skip
    if isinstance(source, Result | Trial):
        raise SettingError(f"architecture: found trial {source.number} of a search; write its run with the number, as "
                           f"'runs/NAME:{source.number}', with the data, or its .architecture")  # fmt: skip
    return find_network(text_of(source, "architecture"), runs)


def resolved(found: Found, asked: object, settings: Mapping[str, Any]) -> Json:
    """Name the task, the data, the seed, and the weights that a training begins with, empty for new ones.

    Unless told, task, data, the seed that divides them, the metric that chooses the epoch and target are those of the
    run or the training that the network comes from, or else the task that the head is for, its data, and 0. By another
    seed they would test on what was learnt; a run's metric is the first that it weighed.
    """
    home, named = found.home, {n: settings.get(n) for n in ("task", "target", "monitor")}
    told = {name: text_of(value, name) for name, value in named.items() if value is not None}
    own = home.config.task if home else task_of_head(found.architecture.head.kind)
    task = told.get("task") or own
    if (data := settings.get("data")) is None or not str(data):
        data = home.config.data if home and own == task else load_task(task).data
    start = str(found.trained.folder if found.trained else asked) if found.model else ""
    target = told.get("target") or (home.config.target if home else "")
    split = found.split if settings.get("split_seed") is None else settings["split_seed"]
    watched = {"monitor": told.get("monitor") or (found.metric if own == task else "")}
    return {"task": task, "data": data, "split_seed": split, "start": start, "target": target} | watched


def find_teacher(name: str | None, dataset: Dataset, runs: Path) -> Teacher | None:
    """Find a teacher by the name of a training, or of a network of timm. Raises SettingError."""
    if name is None:
        return None
    if any(is_trained(folder) for folder in (Path(name), runs / name)) or name.endswith(".safetensors"):
        model = find_network(name, runs).model
        if model is None:
            raise SettingError(f"teacher {name}: has no weights yet")
        return from_model(model, dataset.classes, name)
    if any(is_run(folder) for folder in (Path(name), runs / name)):
        raise SettingError(f"teacher {untrained(name)}")
    return from_timm(name, len(dataset.classes))


def find_recipe(
    recipe: str | Path | Mapping[str, Any] | FullRecipe | None,
    changes: Mapping[str, Any] | None,
    found: Found,
    settings: Mapping[str, Any],
) -> Json:
    """Load the recipe as settings, `recipe` and `recipe_name`, by default the task's or that for the images' size.

    Where it does not say whether images are mirrored, they are as in the run or the training that a network is of.
    Raises SettingError for changes that the task has no use for, as for wrong ones.
    """
    side = settings.get("resolution")
    if not isinstance(side, int):  # what is no number is refused with the others
        side = found.architecture.resolution
    usual = load_task(settings["task"]).full_recipe or ("small" if side < LARGE else "coatnet")
    source = recipe if recipe is not None else usual
    name = "" if isinstance(source, Mapping | FullRecipe) else text_of(source, "recipe")
    loaded = load_recipe(source, changes)
    _check_useful(loaded, changes or {}, settings["task"])
    unsaid = "mirror" not in loaded.model_fields_set
    own = {"mirror": found.home.config.recipe.mirror} if found.home and unsaid else {}
    return {"recipe": loaded.model_dump() | own, "recipe_name": name}


def _check_useful(recipe: FullRecipe, changes: Collection[str], task: str) -> None:
    """Raise SettingError for a change that only the learning of classes has a use for, where others are learnt."""
    if (targets := load_task(task).targets) == "classes":
        return
    for name in ("mixup", "cutmix", "label_smoothing"):
        if name in changes and (value := getattr(recipe, name)):
            raise SettingError(f"{option_text(name)} {value:g}: only the learning of classes has a use for it, "
                               f"and the task {task} learns {targets}; leave it out")  # fmt: skip


def find_data(config: TrainConfig, architecture: Architecture, group: Alone) -> tuple[Dataset, Architecture]:
    """Load the data, and fit the network to them.

    Raises DataError, SpaceError or SettingError for what does not fit the task, or the processes.
    """
    check_trackers(config.log)
    task = load_task(config.task)
    check_head(config.task, architecture.head.kind)
    side = config.resolution or architecture.resolution
    dataset = datasets.load(config.data, seed=config.split, resolution=side)
    check_targets(config.task, config.data, dataset.targets, architecture.head.kind)
    check_metrics(config.task, [config.monitor], len(dataset.classes))
    if config.recipe.balance != "none" and task.targets != "classes":
        raise SettingError(f"--balance {config.recipe.balance}: the task {config.task} has no classes to balance")
    if config.teacher and task.targets != "classes":
        raise SettingError(f"--teacher {config.teacher}: a teacher tells the classes of whole images, and the task "
                           f"{config.task} learns {task.targets}; leave it out")  # fmt: skip
    size, parts = step_of(config.recipe, len(dataset.train))
    if size // parts < group.count > 1:
        raise SettingError(f"--batch-size {config.recipe.batch_size}: {group.count} processes need an image each, in "
                           f"each of the {parts} parts of a step of {size} images")  # fmt: skip
    if len(dataset.validation) < group.count > 1:
        raise SettingError(f"{config.data}: {group.count} processes need a validation image each, and there are "
                           f"{len(dataset.validation)}")  # fmt: skip
    fitted = replace(architecture, resolution=side, channels=dataset.channels, classes=len(dataset.classes))
    return dataset, load_architecture(fitted.to_dict())


def note_refitted(found: Found, fitted: Architecture, data: object, noted: Callable[[str], None]) -> None:
    """Warn where no data were named and a network, of no run, was drawn for other images than those of its task."""
    drawn, fits = ((one.classes, one.channels) for one in (found.architecture, fitted))
    if not data and not found.home and drawn != fits:
        noted(f"warning: {fitted.name} is for {drawn[0]} classes of images of {drawn[1]} channels, and is fitted to "
              f"the {fits[0]} of {fits[1]} of its task's own data; name yours with --data")  # fmt: skip


def find_backbone(config: TrainConfig, architecture: Architecture, runs: Path) -> Model | None:
    """Find the trained network whose stem and stages a training begins with.

    Raises SettingError where there is none, with the first value in which its stem or stages differ, and for a network
    that has weights already.
    """
    if not config.backbone:
        return None
    if config.start:
        raise SettingError(f"--backbone {config.backbone}: {config.start} has weights already, which go on; leave out "
                           "the backbone, or train the network's YAML file anew")  # fmt: skip
    found = find_network(config.backbone, runs)
    if found.model is None:
        raise SettingError(f"--backbone {config.backbone}: has no weights; name a folder that nas train left, or a "
                           ".safetensors file")  # fmt: skip
    ours, theirs = (_backbone(each) for each in (architecture, found.architecture))
    for name in (*ours, *theirs):
        here, there = (values.get(name, "missing") for values in (ours, theirs))
        if here != there:
            raise SettingError(f"--backbone {config.backbone}: has another stem or stages: {name} is {there} there, "
                               f"and {here} in the network")  # fmt: skip
    return found.model


def _backbone(architecture: Architecture) -> Json:
    """Return channels and all values of stem and stages by dotted names."""
    whole = architecture.complete()
    parts = {"stem": whole["stem"]} | {f"stages.{i}": stage for i, stage in enumerate(whole["stages"])}
    values = {f"{part}.{name}": value for part, named in parts.items() for name, value in named.items()}
    return {"channels": architecture.channels} | values


def _device(config: TrainConfig, group: Alone) -> torch.device:
    return group.device if isinstance(group, Together) else choose_device(config.device)


def first_weights(
    config: TrainConfig,
    architecture: Architecture,
    dataset: Dataset,
    group: Alone,
    begin: Model | None,
    noted: Callable[[str], None],
) -> tuple[Batches, Model]:
    """Build the network with its first weights, and the normalisation of the training part.

    Raises SettingError when the weights to begin with are of another network, nothing compiles here, or parts of a step
    are too small for it, DataError when no image can be read.
    """
    batches = Batches(dataset, _device(config, group), config.loaders)
    if config.compile:
        if why := no_compiler(batches.device.type):
            raise SettingError(f"compile: {why}")
        noted("the steps are compiled first, which takes a minute or two")
    if (images := len(dataset.train)) < config.recipe.batch_size:
        noted(f"a step takes all {images:,} training images: a batch of {config.recipe.batch_size:,} is more")
    if (config.recipe.mixup or config.recipe.cutmix) and (targets := load_task(config.task).targets) != "classes":
        noted(f"nothing is mixed, as the task {config.task} learns {targets}")
    mean, std = batches.statistics()
    network = build(architecture, drop_path=config.recipe.drop_path, seed=config.seed)
    _check_parts(config.recipe, network, images, group)
    if config.recipe.initial == "scaled":
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            scaled(network)
    if begin is not None:
        network.load_state_dict(adapt(_beginning(config, begin, network, dataset, noted), network))
    facts = {"data": config.data, "seed": config.seed, "split_seed": config.split, "parts": dataset.parts}
    return batches, Model(network, dataset.classes, mean, std, facts | {"finished": False})


def _check_parts(recipe: FullRecipe, network: Network, images: int, group: Alone) -> None:
    """Raise SettingError for a network that cannot learn from one image, where a part of a step is no more."""
    size, parts = step_of(recipe, images)
    if size // parts // group.count > 1:
        return
    sides = [network.architecture.resolution] * 2
    with torch.random.fork_rng(devices=[]), torch.no_grad(), enough_images(recipe):
        deepcopy(network).train()(torch.zeros(1, network.architecture.channels, *sides))


def _beginning(
    config: TrainConfig, begin: Model, network: Network, dataset: Dataset, noted: Callable[[str], None]
) -> dict[str, Tensor]:
    """Return the weights to begin with: those of `begin` but for what is new, which is the network's own."""
    theirs, ours = begin.network.state_dict(), network.state_dict()
    if config.backbone:
        noted(f"stem and stages begin as in {config.backbone}, the head anew")
        kept = {name: value for name, value in theirs.items() if not name.startswith("head.")}
        return kept | {name: value for name, value in ours.items() if name.startswith("head.")}
    if begin.classes == dataset.classes:
        return theirs
    noted(f"{config.start} knows other classes: the classifier begins anew")
    new = {
        name: value
        for name, value in ours.items()
        if "classifier" in name.split(".") or (name.startswith("head.") and theirs[name].shape != value.shape)
    }
    return theirs | new
