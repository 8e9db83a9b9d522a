"""Train a chosen network to the end: settings and data resolved first, every epoch on disk before the next begins."""

import shlex
from collections.abc import Callable, Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch.utils.benchmark import set_torch_threads

from nas import data as datasets
from nas.costs.deployment import choose_device, device_name
from nas.data import Dataset
from nas.engine.ending import conclude
from nas.errors import DivergedError, NasError, RunError, SettingError
from nas.evaluation.plugins import load_plugins
from nas.files import Json
from nas.network.architecture import Architecture
from nas.network.build import build
from nas.network.layers.initialise import scaled
from nas.network.weights import adapt
from nas.record.environment import environment
from nas.record.folders import check_new, checked_name, default_name, find_trained, is_trained, locked
from nas.record.networks import Found, find_network
from nas.record.tracking import Tracker
from nas.record.trained import Trained
from nas.registry import HEADS
from nas.report.training_page import write_training_report
from nas.space.library import load_architecture
from nas.training.catalogue import load_task
from nas.training.full.batches import Batches
from nas.training.full.group import Alone, Together, find_group
from nas.training.full.loop import Epoch, Progress, StoppedError, Trainer
from nas.training.full.recipe import FullRecipe, load_recipe
from nas.training.full.settings import TrainConfig, make_train_config, parse_time
from nas.training.full.teacher import Teacher, from_model, from_timm
from nas.training.model import Model

LARGE = 224  # pixels from which on networks are trained as on ImageNet
MAX_NAMED = 20


@dataclass(frozen=True)
class Attendant:
    """The functions that a training calls as it goes on, and the question whether it should stop.

    `began` is called with what was found, `stepped` after every step, with the loss where it is known, `judged` when an
    epoch is on disk. `noted` takes lines of text.
    """

    began: Callable[[Trained, Dataset, Progress], None] = lambda trained, dataset, progress: None
    stepped: Callable[[Progress, float | None], None] = lambda progress, loss: None
    judged: Callable[[Epoch, Progress], None] = lambda epoch, progress: None
    noted: Callable[[str], None] = lambda line: None
    stop: Callable[[], bool] = lambda: False


def train(
    architecture: Architecture | str | Path,
    *,
    name: str | None = None,
    runs: str | Path = "runs",
    recipe: str | Path | Mapping[str, Any] | None = None,
    changes: Mapping[str, Any] | None = None,
    plugins: tuple[str, ...] = (),
    command: str = "",
    attendant: Attendant | None = None,
    **settings: Any,
) -> Trained:
    """Train a network on a data set to the end, and judge it once on the test part.

        trained = nas.train("runs/first", data="image_folder:photos", recipe="small", changes={"epochs": 30})
        model = trained.model()

    `architecture` is what `find_network` takes; the weights of a training go on being trained. `recipe` is one that
    ships, a file or plain data, `changes` replace values of it. `settings` are the fields of
    `nas.training.full.settings.TrainConfig`: data, teacher, time, patience, seed, device, ...

    Raises SettingError, SpaceError or DataError for wrong input, before anything is written, RunError when the training
    cannot go on, and StoppedError when the attendant stopped it.
    """
    attendant = attendant or Attendant()
    load_plugins(*plugins)
    found = Found(architecture) if isinstance(architecture, Architecture) else find_network(architecture, Path(runs))
    chosen, started = _recipe(recipe, changes, settings.get("resolution") or found.architecture.resolution)
    start = str(found.trained.folder) if found.trained and found.model else str(architecture) if found.model else ""
    if "time" in settings:
        settings["time"] = parse_time(settings["time"])
    config = make_train_config({**settings, "recipe": chosen.model_dump(), "recipe_name": started, "start": start})
    folder = Path(runs) / (default_name(found.architecture.name) if name is None else checked_name(name))
    check_new(folder)
    group = find_group(config.device)
    dataset, fitted = _resolve(config, found.architecture)
    teacher = find_teacher(config.teacher, dataset, Path(runs))
    made = environment(device_name(_device(config, group)), config.seed, found.outside.packages)
    made |= {"command": command, "processes": group.count, "unreadable": list(dataset.skipped[:MAX_NAMED])}
    if group.leads:
        Trained.create(folder, config, fitted, made, found.outside)
    group.wait()
    trained = Trained(folder)
    with locked(folder, "training") if group.leads else nullcontext():
        return _Session(trained, dataset, group, attendant, teacher, found.model).run()


def go_on(folder: Trained | str | Path, *, runs: str | Path = "runs", attendant: Attendant | None = None) -> Trained:
    """Go on with an interrupted training, exactly as it would have gone on. A finished one is returned as it is.

    Raises SettingError when there is none, or when its data have changed, RunError when its state is damaged.
    """
    trained = folder if isinstance(folder, Trained) else Trained(find_trained(folder, Path(runs)))
    if trained.ending:
        return trained
    group = find_group(trained.config.device)
    dataset, fitted = _resolve(trained.config, trained.architecture)
    if fitted != trained.architecture:
        raise _changed(trained)
    teacher = find_teacher(trained.config.teacher, dataset, Path(runs))
    with locked(trained.folder, "training") if group.leads else nullcontext():
        begin = find_network(trained.config.start, Path(runs)).model if trained.config.start else None
        return _Session(trained, dataset, group, attendant or Attendant(), teacher, begin).run()


def find_teacher(name: str | None, dataset: Dataset, runs: Path) -> Teacher | None:
    """Find a teacher by the name of a training, or of a network of timm. Raises SettingError."""
    if name is None:
        return None
    if any(is_trained(folder) for folder in (Path(name), runs / name)) or name.endswith(".safetensors"):
        model = find_network(name, runs).model
        if model is None:
            raise SettingError(f"teacher {name}: has no weights yet")
        return from_model(model, dataset.classes, name)
    return from_timm(name, len(dataset.classes))


def _recipe(
    recipe: str | Path | Mapping[str, Any] | None, changes: Mapping[str, Any] | None, resolution: int
) -> tuple[FullRecipe, str]:
    """Load the recipe, by default that for the size of the images, and return it with its name."""
    source = recipe if recipe is not None else "small" if resolution < LARGE else "coatnet"
    return load_recipe(source, changes), "" if isinstance(source, Mapping) else str(source)


def _resolve(config: TrainConfig, architecture: Architecture) -> tuple[Dataset, Architecture]:
    """Load the data, and fit the network to them. Raises DataError or SpaceError for what does not fit the task."""
    task, kind = load_task(config.task), architecture.head.kind
    fitting = [name for name in HEADS.at_hand() if HEADS.get(name).outputs == task.outputs]
    task.check_head(kind, HEADS.get(kind).outputs, fitting)
    side = config.resolution or architecture.resolution
    dataset = datasets.load(config.data, seed=config.seed, resolution=side)
    task.check_targets(dataset.name, dataset.targets)
    if config.recipe.balance != "none" and task.targets != "classes":
        raise SettingError(f"--balance {config.recipe.balance}: the task {config.task} has no classes to balance")
    fitted = replace(architecture, resolution=side, channels=dataset.channels, classes=len(dataset.classes))
    return dataset, load_architecture(fitted.to_dict())


def _device(config: TrainConfig, group: Alone) -> torch.device:
    return group.device if isinstance(group, Together) else choose_device(config.device)


class _Session:
    """One start of a training."""

    def __init__(
        self,
        trained: Trained,
        dataset: Dataset,
        group: Alone,
        attendant: Attendant,
        teacher: Teacher | None,
        begin: Model | None,
    ) -> None:
        self.trained, self.dataset, self.group, self.attendant = trained, dataset, group, attendant
        config, device = trained.config, _device(trained.config, group)
        self.batches = Batches(dataset, device, config.loaders)
        self.tracker = Tracker(trained.folder) if config.tensorboard and group.leads else None
        self.trainer = Trainer(
            self._model(begin).to(device),
            load_task(config.task),
            self.batches,
            config.recipe,
            seed=config.seed,
            limit=config.time,
            monitor=config.monitor,
            teacher=teacher.to(device) if teacher else None,
            group=group,
        )

    def run(self) -> Trained:
        """Train the epochs that are left and judge the best one."""
        trained, trainer, config = self.trained, self.trainer, self.trained.config
        self._restore()
        self.attendant.began(trained, self.dataset, trainer.progress)
        with set_torch_threads(config.threads) if config.threads else nullcontext():
            try:
                self._epochs()
                if self.group.leads:
                    conclude(trained, trainer, self.dataset)
            except OSError as error:
                raise RunError(f"{trained.folder}: cannot be written ({error.strerror}); the last good state is kept. "
                               f"Make room and go on with: {_again(trained)}") from None  # fmt: skip
            except DivergedError as error:
                raise DivergedError(f"{error}. The weights of the best epoch so far, if any, are kept") from None
            finally:
                if self.group.leads:
                    with suppress(NasError):  # the error that ended the training says more
                        write_training_report(trained)
        return trained

    def _epochs(self) -> None:
        trainer, trained, patience = self.trainer, self.trained, self.trained.config.patience
        progress = trainer.progress
        if patience and progress.history and len(progress.history) - progress.best >= patience:
            return
        for epoch in trainer.epochs(self._between):
            if self.group.leads:
                best = trainer.judged if progress.best == epoch.number else None
                trained.keep_epoch(self._state(), progress.history, best)
                if self.tracker:
                    self.tracker.note(epoch)
            self.attendant.judged(epoch, progress)
            if patience and epoch.number - progress.best >= patience:
                self.attendant.noted(f"no better {trained.config.monitor} in {patience} epochs")
                return

    def _between(self, progress: Progress, loss: float | None) -> None:
        self.attendant.stepped(progress, loss)
        if self.attendant.stop():
            if self.group.count == 1:  # several processes go on from the last epoch
                self.trained.keep_state(self._state())
            raise StoppedError(f"stopped in epoch {progress.course.epoch + 1}; go on with: {_again(self.trained)}")

    def _restore(self) -> None:
        state = self.trained.state()
        if state is None:
            return
        if state.get("data") != _facts(self.dataset):
            raise _changed(self.trained)
        try:
            self.trainer.restore(state)
        except (KeyError, TypeError, RuntimeError, ValueError) as error:
            raise RunError(f"{self.trained.folder / 'last.pt'}: the state of another training ({error})") from None

    def _state(self) -> dict[str, Any]:
        return self.trainer.state() | {"data": _facts(self.dataset)}

    def _model(self, begin: Model | None) -> Model:
        """Build the network with its first weights, and the normalisation of the training part."""
        config, architecture = self.trained.config, self.trained.architecture
        mean, std = self.batches.statistics()
        network = build(architecture, drop_path=config.recipe.drop_path, seed=config.seed)
        if begin is not None:
            state = begin.network.state_dict()
            if begin.classes != self.dataset.classes:  # the classifier begins anew
                state |= {n: v for n, v in network.state_dict().items() if n.startswith("head.classifier.")}
                self.attendant.noted(f"{config.start} knows other classes: the classifier begins anew")
            network.load_state_dict(adapt(state, network))
        elif config.recipe.initial == "scaled":
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(config.seed)
                scaled(network)
        return Model(network, self.dataset.classes, mean, std)


def _changed(trained: Trained) -> SettingError:
    return SettingError(f"{trained.folder}: {trained.config.data} has other classes or images than when the training "
                        "began; give it back what it had, or begin another training")  # fmt: skip


def _facts(dataset: Dataset) -> Json:
    """What a training must find again in its data to go on."""
    parts = {part: len(getattr(dataset, part)) for part in ("train", "validation", "test")}
    return {"classes": list(dataset.classes), "channels": dataset.channels, "resolution": dataset.resolution} | parts


def _again(trained: Trained) -> str:
    return f"nas train {shlex.quote(str(trained.folder))} --resume"
