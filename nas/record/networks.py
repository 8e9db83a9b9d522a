"""Finding the network that a text names: published, in a file, of a run, or trained."""

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from nas.errors import SettingError
from nas.evaluation.plugins import Outside
from nas.files import quoted
from nas.network.architecture import Architecture
from nas.record.folders import CONFIG, ELSEWHERE, TRAINING, find_run, is_run, is_trained, named_in
from nas.record.journal import RECORD
from nas.record.models import BEST, elsewhere, is_hub, load
from nas.record.run import Run
from nas.record.trained import Trained
from nas.registry import MANY, nearest, suggest
from nas.space.library import load_architecture, shipped
from nas.space.space import placed
from nas.training.catalogue import load_task, task_of_head
from nas.training.model import Model, split_of


@dataclass(frozen=True)
class Found:
    """A network by name: its architecture, its trained model if there is one, and the training or run it is of."""

    architecture: Architecture
    model: Model | None = None
    trained: Trained | None = None
    run: Run | None = None

    @property
    def home(self) -> Trained | Run | None:
        """The training or run that the network is of."""
        return self.trained or self.run

    @property
    def outside(self) -> Outside:
        """What the network uses from outside nas."""
        return self.home.outside if self.home else Outside()

    @cached_property
    def stages(self) -> tuple[int, ...]:
        """The numbers of its stages: in the space of its run, where others may be left out, else its own."""
        key = self.architecture.key()
        if self.trained and self.trained.architecture.key() == key:
            return self.trained.stages
        for trial in self.run.trials if self.run else ():
            if trial.key == key:
                return tuple(placed(trial.decisions, trial.architecture))
        return tuple(range(len(self.architecture.stages)))

    @property
    def split(self) -> int:
        """The seed that divided the data of its training, run or weights, 0 where none is known."""
        if self.home:
            return self.home.config.split
        return (split_of(self.model.facts) if self.model else None) or 0

    @property
    def metric(self) -> str:
        """The metric that chose the epoch of its training, or its task's first that its run weighed, empty if none."""
        if self.trained:
            return self.trained.config.monitor
        if self.run is None:
            return ""
        metrics = load_task(self.run.config.task).metrics
        return next((name for name in self.run.config.objectives if name in metrics), "")

    def options(self) -> str:
        """Write the options of `nas train` by which a copy of it, alone in a file, is trained as one of its home is."""
        if self.home is None:
            return ""
        config, metrics = self.home.config, load_task(self.home.config.task).metrics
        settings = (
            ("task", config.task, task_of_head(self.architecture.head.kind)),
            ("data", config.data, ""),
            ("split-seed", self.split, 0),
            ("mirror", config.recipe.mirror, "auto"),
            ("monitor", self.metric, next(iter(metrics))),
            ("target", config.target, "auto"),
        )
        return "".join(f" --{name} {quoted(str(now))}" for name, now, usual in settings if now not in ("", usual))


def find_network(name: str | Path, runs: Path = Path("runs")) -> Found:
    """Find the network that a text names.

    `name` is that of a published network, a YAML or safetensors file, a folder that `nas train` left or for Hugging
    Face's hub, or a run. Of a run it is that of `best.yaml`, or what `RUN:knee`, `RUN:accuracy`, `RUN:latency<=2` or
    `RUN:166` picks. Names of folders in `runs` will do. A file that lies in the folder of a run or a training is of
    these.

    Raises SettingError or SpaceError, with the nearest name, where there is none.
    """
    text, here = str(name), [Path(name), runs / name]
    if text in shipped():
        return Found(load_architecture(text))
    for folder in here:
        if is_trained(folder):
            trained = Trained(folder)
            weights = folder / BEST
            return Found(trained.architecture, trained.model() if weights.exists() else None, trained)
    if is_hub(Path(text)) or Path(text).suffix == ".safetensors":
        model = load(text)
        return Found(model.architecture, model)
    if Path(text).suffix in ELSEWHERE:
        raise elsewhere(text)
    if os.path.isfile(text):  # noqa: PTH113  (pathlib raises for names that are too long)
        return _of_file(Path(text))
    return _of_run(text, runs)


def _of_file(path: Path) -> Found:
    """Load an architecture, after the run or the training in whose folder its file lies, which knows its plug-ins."""
    for folder in path.absolute().parents[:2]:
        if is_trained(folder):
            trained = Trained(folder)
            return Found(load_architecture(path), trained=trained)
        if is_run(folder) and (folder / RECORD).exists():
            run = Run(folder)
            return Found(load_architecture(path), run=run)
    return Found(load_architecture(path))


def _of_run(text: str, runs: Path) -> Found:
    before, colon, pick = text.rpartition(":")
    for name, which in ((text, ""), (before, pick)):
        if name and any(map(is_run, (Path(name), runs / name))):
            run = Run(find_run(name, runs))
            return Found(run.pick(which or None).named(run.name), run=run)
    if kind := _alone(before, runs):
        raise SettingError(f"'{pick[:200]}' picks among the networks of a search, and {before[:200]} is {kind}: "
                           "leave the pick out")  # fmt: skip
    raise SettingError(f"no network '{text[:200]}': neither a published one, nor a file, nor a run or training. "
                       f"{_hint(before if colon else text, runs)}")  # fmt: skip


def _alone(name: str, runs: Path) -> str:
    """Say what a name stands for that has one network only, empty if for none such."""
    if name in shipped():
        return "a published network"
    if name and any(map(is_trained, (Path(name), runs / name))):
        return "a training"
    if name and is_hub(Path(name)):
        return "a folder of one network"
    return "a file" if os.path.isfile(name) else ""  # noqa: PTH113


def _hint(wanted: str, runs: Path) -> str:
    """Name the nearest network, or else what there is."""
    known = sorted([*named_in(runs, CONFIG), *named_in(runs, TRAINING)])
    names = [*shipped(), *known]
    if nearest(wanted, names):
        return suggest(wanted, names)
    here = f"In {runs}: {', '.join(known[:MANY])}{' ...' if len(known) > MANY else ''}" if known else f"{runs} is empty"
    return f"{here}; nas spaces lists those published."
