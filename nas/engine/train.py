"""Train a chosen network to the end: settings and data resolved first, every epoch on disk before the next begins."""

import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

from torch.utils.benchmark import set_torch_threads

from nas.costs.deployment import device_name
from nas.data import Dataset
from nas.data.summary import first_left_out
from nas.engine.attendant import Attendant, attendant_of
from nas.engine.beginning import (
    find_architecture,
    find_backbone,
    find_data,
    find_recipe,
    find_teacher,
    first_weights,
    note_refitted,
    resolved,
)
from nas.engine.ending import conclude
from nas.engine.following import NoteEpoch, followed_training
from nas.engine.seen import check_seen, origins
from nas.errors import DivergedError, NasError, RunError, SettingError
from nas.evaluation.plugins import Outside, load_plugins
from nas.files import Json, quoted, sweep
from nas.network.architecture import Architecture
from nas.record.environment import changes, environment, note_start
from nas.record.fingerprint import check_data, fingerprint, perhaps_moved
from nas.record.folders import TRAINING, find_trained, locked, new_folder
from nas.record.journal import recording
from nas.record.networks import Found, find_network
from nas.record.outside import check_unchanged, outside_of_training
from nas.record.trained import LAST, Trained
from nas.report.training_page import write_training_report
from nas.settings import plugin_paths, text_of, understood
from nas.training.caller import undisturbed
from nas.training.catalogue import load_task
from nas.training.full.batches import Batches
from nas.training.full.group import Alone, find_group
from nas.training.full.loop import StoppedError, Trainer
from nas.training.full.progress import Progress
from nas.training.full.recipe import FullRecipe
from nas.training.full.settings import TrainConfig, make_train_config
from nas.training.full.speed import threads_of
from nas.training.full.teacher import Teacher
from nas.training.model import Model


@undisturbed()
def train(
    architecture: Architecture | Mapping[str, Any] | str | Path,
    *,
    name: str | None = None,
    runs: str | Path = "runs",
    recipe: str | Path | Mapping[str, Any] | FullRecipe | None = None,
    changes: Mapping[str, Any] | None = None,
    plugins: str | Path | Sequence[str | Path] = (),
    command: str = "",
    attendant: Attendant | None = None,
    **settings: Any,
) -> Trained:
    """Train a network on a data set to the end, and judge it once on the test part.

        model = nas.train("runs/first", data="image_folder:photos", recipe="small", changes={"epochs": 30}).model()

    `architecture` is one, its plain data, or names a run (`first:accuracy`), training, file or published network; its
    weights go on being trained. `recipe` ships, is a file or plain data; `changes` replace its values. TrainConfig has
    the settings. Raises UserError before anything is written, RunError when it cannot go on, StoppedError if told to.
    """
    attendant, files = attendant_of(attendant), load_plugins(*plugin_paths(plugins))
    runs, settings = Path(text_of(runs, "runs")), understood(settings, TrainConfig)
    found = find_architecture(architecture, runs)
    told, settings = settings, settings | resolved(found, architecture, settings)
    config = make_train_config(settings | find_recipe(recipe, changes, found, settings))
    group = find_group(config.device)
    _new_folder(runs, name, found, group)  # refuses a wrong name before the work
    dataset, fitted = find_data(config, found.architecture, group)
    note_refitted(found, fitted, told.get("data"), attendant.noted)
    teacher, begin = find_teacher(config.teacher, dataset, runs), find_backbone(config, fitted, runs) or found.model
    seen = check_seen(config, dataset, origins(found, config, begin, teacher), told.get("split_seed"), attendant.noted)
    batches, model = first_weights(config, fitted, dataset, group, begin, attendant.noted)
    threads = threads_of(config, model, batches, group, attendant.noted) if group.leads else 0
    outside = outside_of_training(config, fitted, (*found.outside.files, *files))
    made = _environment(config, batches, outside, threads) | _told(command, group, dataset) | seen
    folder = _new_folder(runs, name, found, group)  # at last, lest another takes the name meanwhile
    if group.leads:
        Trained.create(folder, config, fitted, made, outside, **_sealed(found, dataset, teacher))
    group.wait()
    return _Session(Trained(folder), batches, model, teacher, group, attendant).run()


@undisturbed()
def go_on(
    folder: Trained | str | Path,
    *,
    runs: str | Path = "runs",
    attendant: Attendant | None = None,
    **settings: Any,
) -> Trained:
    """Go on with an interrupted training, exactly as it would have gone on. A finished one is returned as it is.

    `settings` are those that change from now on: where it is trained (`device`, ...), `patience`, `log`, and `data` and
    `teacher` that were moved. Raises SettingError or DataError when there is none, for settings that must stay, data or
    a teacher that have changed, RunError when its state is damaged.
    """
    runs = Path(text_of(runs, "runs"))
    trained = folder if isinstance(folder, Trained) else Trained(find_trained(text_of(folder, "folder"), runs))
    attendant = attendant_of(attendant)
    if trained.ended:
        attendant.noted(f"{trained.name} is finished: there is nothing left to train")
        return trained
    trained.change(settings)
    config = trained.config
    group = find_group(config.device)
    with perhaps_moved(config.data, _again(trained), told="data" in settings):
        dataset, fitted = find_data(config, trained.architecture, group)
    warnings = check_unchanged(trained.folder, "training")
    warnings += check_data(trained.seal.get("data", {}), dataset, str(trained.folder), "begin another training")
    if fitted != trained.architecture:
        raise _changed(trained)
    teacher = find_teacher(config.teacher, dataset, runs)
    _check_teacher(trained, teacher)
    fresh = not (trained.folder / LAST).exists()
    begin = find_network(config.start, runs).model if fresh and config.start else None
    begin = begin or (find_backbone(config, fitted, runs) if fresh else None)
    batches, model = first_weights(config, fitted, dataset, group, begin, attendant.noted)
    start = _environment(config, batches, trained.outside, trained.threads)
    for warning in [*warnings, *changes(trained.environment, start, trained.name)]:
        attendant.noted(f"warning: {warning}")
    return _Session(trained, batches, model, teacher, group, attendant).run(start)


def _environment(config: TrainConfig, batches: Batches, outside: Outside, threads: int) -> Json:
    return environment(device_name(batches.device), config.seed, outside.packages, threads=threads)


def _sealed(found: Found, dataset: Dataset, teacher: Teacher | None) -> Json:
    return {"data": fingerprint(dataset), "teacher": teacher.digest() if teacher else "", "stages": found.stages}


def _check_teacher(trained: Trained, teacher: Teacher | None) -> None:
    now = teacher.digest() if teacher else ""
    if trained.seal.get("teacher", now) != now:
        raise SettingError(f"teacher {trained.config.teacher}: is not the one that {trained.folder} began with; give "
                           "back the weights that it had, or begin another training")  # fmt: skip


def _new_folder(runs: Path, name: str | None, found: Found, group: Alone) -> Path:
    """Name the training's folder, the same for all processes."""
    return Path(group.first(str(new_folder(runs, name, found.architecture.name)) if group.leads else ""))


def _told(command: str, group: Alone, dataset: Dataset) -> Json:
    """What a training's environment says beside the machine."""
    return {"command": command, "processes": group.count, "unreadable": first_left_out(dataset.skipped)}


class _Session:
    """One start of a training."""

    def __init__(
        self,
        trained: Trained,
        batches: Batches,
        model: Model,
        teacher: Teacher | None,
        group: Alone,
        attendant: Attendant,
    ) -> None:
        self.trained, self.dataset, self.group, self.attendant = trained, batches.dataset, group, attendant
        config, made = trained.config, trained.environment
        task = load_task(config.task)
        model.facts |= {"task": config.task, "targets": task.targets}
        model.facts |= {"seen": made.get("seen"), "overlap": made.get("overlap", "")}
        self.trainer = Trainer(
            model.to(batches.device),
            task.among(len(batches.dataset.classes)),
            batches,
            config.recipe,
            seed=config.seed,
            limit=config.time,
            monitor=config.monitor,
            teacher=teacher.to(batches.device) if teacher else None,
            group=group,
            compiles=config.compile,
        )

    def run(self, start: Json | None = None) -> Trained:
        """Train the epochs that are left and judge the best one, and note a later `start` first.

        Raises RunError where another process does that.
        """
        trained = self.trained
        with (
            locked(trained.folder, "training") if self.group.leads else nullcontext(),
            set_torch_threads(trained.threads),
            followed_training(trained, self.group.leads, self.attendant.noted) as note,
        ):
            if self.group.count == 1 and start and trained.ended:  # by another process, while the data were loaded
                return trained
            if self.group.leads:
                sweep(trained.folder)
                if start:
                    with recording(trained.folder / TRAINING, f"make room and go on with: {_again(trained)}"):
                        trained.keep_settings()
                    note_start(trained.folder, start, f"make room and go on with: {_again(trained)}")
            self._restore()
            self.attendant.began(trained, self.dataset, self.trainer.progress)
            self._to_the_end(note)
        return trained

    def _to_the_end(self, note: NoteEpoch) -> None:
        trained = self.trained
        try:
            given = trained.config.start or trained.config.backbone
            if given and self.group.leads and not (trained.folder / LAST).exists():
                trained.keep_state(self._state())  # the weights to begin with may be gone next time
            self._epochs(note)
            if self.group.leads:
                if self.attendant.stop():
                    raise StoppedError(f"stopped before the verdict; go on with: {_again(trained)}")
                self.attendant.ending()
                conclude(trained, self.trainer, self.dataset)
        except OSError as error:
            raise RunError(f"{trained.folder}: cannot be written ({error.strerror or error}); the last good state is "
                           f"kept. Make room and go on with: {_again(trained)}") from None  # fmt: skip
        except DivergedError as error:
            raise DivergedError(f"{error}. The weights of the best epoch so far, if any, are kept") from None
        finally:
            if self.group.leads:
                with suppress(NasError) if sys.exc_info()[0] else nullcontext():  # what ended the training says more
                    write_training_report(trained)

    def _epochs(self, note: NoteEpoch) -> None:
        trainer, trained, patience = self.trainer, self.trained, self.trained.config.patience
        progress = trainer.progress
        for epoch in progress.history:
            note(epoch)
        if self.group.leads and progress.history:
            trained.keep_history(progress.history)  # it may be damaged
            if progress.best == len(progress.history) and not progress.course.step:
                trained.keep_best(trainer.judged)  # it may have been killed before it wrote them
        if patience and progress.history and len(progress.history) - progress.best >= patience:
            return
        for epoch in trainer.epochs(self._between):
            if self.group.leads:
                best = trainer.judged if progress.best == epoch.number else None
                trained.keep_epoch(self._state(), progress.history, best)
                note(epoch)
            self.attendant.judged(epoch, progress)
            if patience and epoch.number - progress.best >= patience:
                self.attendant.noted(f"ended by --patience: no better {trained.config.monitor} in {patience} epochs")
                return

    def _between(self, progress: Progress, loss: float | None) -> None:
        self.attendant.stepped(progress, loss)
        asked = self.attendant.stop()
        if self.group.count > 1:  # they stop at the same step, one at which they wait for each other anyway
            asked = loss is not None and self.group.agree(asked)
        if asked:
            if self.group.count == 1:  # several processes go on from the last epoch
                self.trained.keep_state(self._state())
            raise StoppedError(f"stopped in epoch {progress.course.epoch + 1}; go on with: {_again(self.trained)}")

    def _restore(self) -> None:
        if (state := self.trained.state()) is None:
            return
        if state.get("data") != _facts(self.dataset):
            raise _changed(self.trained)
        try:
            self.trainer.restore(state)
        except (KeyError, TypeError, RuntimeError, ValueError) as error:
            raise RunError(f"{self.trained.folder / LAST}: the state of another training ({error})") from None

    def _state(self) -> Json:
        return self.trainer.state() | {"data": _facts(self.dataset)}


def _changed(trained: Trained) -> SettingError:
    return SettingError(f"{trained.folder}: {trained.config.data} has other classes or images than when the training "
                        "began; give it back what it had, or begin another training")  # fmt: skip


def _facts(dataset: Dataset) -> Json:
    """What a training must find again in its data to go on."""
    shape = {"channels": dataset.channels, "resolution": dataset.resolution}
    return {"classes": list(dataset.classes), **shape, **dataset.parts}


def _again(trained: Trained) -> str:
    return f"nas train {quoted(trained.folder)} --resume"
