"""Every setting of a full training, in the groups that the command line's help shows."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from nas.errors import SettingError, brief
from nas.registry import TASKS, suggest, target_name
from nas.settings import Flag, Following, Group, Positive, Seeds, checked, parse_none, seconds_of
from nas.training.catalogue import load_task
from nas.training.full.recipe import FullRecipe


def parse_time(text: str | float | None, option: str = "--time") -> float | None:
    """Read `90s`, `30m`, `2h` or `1d` as seconds. Raises SettingError for another text."""
    if text is None or isinstance(text, int | float):
        return text
    seconds = seconds_of(text) if isinstance(text, str) else None
    if seconds is None:
        typed = text if isinstance(text, str) else brief(text)
        raise SettingError(f"{option} {typed}: write a time such as 90s, 30m or 2h")
    return seconds


class Lesson(Group):
    """The images, the teacher and the length.

    `backbone` names a trained network of the same stem and stages, whose weights these begin with.
    `time` in seconds replaces the recipe's epochs: the schedule ends when it does. Training ends early after `patience`
    epochs without a better `monitor` on the validation part, a metric of the task; the best epoch's weights are kept.
    """

    data: Annotated[
        str, Flag("NAME[:PATH]", "Images: image_folder:DIR, voc:DIR, ...", default="those of the run, or the task's")
    ] = ""
    task: Annotated[str, Flag("NAME", "What it learns: classification, detection.", default="as the head gives")] = ""
    backbone: Annotated[str, Flag("MODEL", "Trained network to take stem and stages from.", default="none")] = ""
    teacher: Annotated[str | None, Flag("MODEL", "Trained folder, or timm name, to learn from.", default="none")] = None
    time: Annotated[Positive | None, Flag("TIME", "Train for 30m, 2h, ...", default="by epochs", read=parse_time)] = (
        None
    )
    patience: Annotated[
        int | None, Field(ge=1), Flag("EPOCHS", "Stop after so many without progress.", default="none", read=parse_none)
    ] = None
    monitor: Annotated[
        str, Flag("METRIC", "Decides which epoch is best.", default="as in the search, or the task's first")
    ] = ""
    resolution: Annotated[
        int | None, Field(ge=4, le=2048), Flag("PIXELS", "Side of the images.", default="the network's")
    ] = None

    @field_validator("task")
    @classmethod
    def _task(cls, name: str) -> str:
        TASKS.check(name)
        return name

    @field_validator("time", mode="before")
    @classmethod
    def _time(cls, text: str | float | None) -> float | None:
        return parse_time(text)

    @model_validator(mode="before")
    @classmethod
    def _monitor(cls, settings: dict[str, Any]) -> dict[str, Any]:
        """Classify unless another task is named, and watch the task's first metric unless another is."""
        named = settings.get("task") or "classification"
        task = load_task(named)
        name = settings.get("monitor") or next(iter(task.metrics))
        if name not in task.metrics:
            raise SettingError(f"unknown metric '{name}'. {suggest(name, task.metrics)}")
        return settings | {"task": named, "monitor": name}


class Place(Group):
    """The device that trains, the processes that decode images too many for the memory, and the target of the latency.

    To `compile` the training's steps takes a minute or two at each start, and pays in long trainings on a GPU.
    Where the `target` is not on this machine, the latency is that of the device that trains.
    """

    panel = "Where it is trained"

    device: Annotated[Literal["auto", "cpu", "cuda"], Flag("NAME", "cpu, cuda or auto.")] = "auto"
    loaders: Annotated[
        Annotated[int, Field(ge=0, le=256)] | None, Flag("N", "Processes that decode images.", default="by the cores")
    ] = None
    threads: Annotated[
        Annotated[int, Field(ge=1, le=1024)] | None, Flag("N", "CPU threads.", default="the fastest")
    ] = None
    compile: Annotated[bool, Flag("", "Steps by torch.compile, for long trainings on a GPU.", "--compile")] = False
    target: Annotated[str, Flag("NAME", "Where its latency counts.", default="as in the search, or auto")] = ""

    @field_validator("target")
    @classmethod
    def _target(cls, text: str) -> str:
        return text if text in ("", "auto") else target_name(text)


class Drawn(Seeds):
    """As of a search, but that the data are divided as in the search that a network comes from, or else by 0."""

    split_seed: Annotated[
        int | None,
        Field(ge=0, lt=2**32),
        Flag("N", "Divides the data into parts.", default="as in the search, or 0"),
    ] = None


class TrainConfig(Following, Place, Drawn, Lesson):
    """Every setting of a full training.

    `recipe_name` says where the recipe came from before values were changed. `start` names the weights that the
    training begins with, empty for new ones.
    """

    recipe: FullRecipe = FullRecipe()
    recipe_name: str = ""
    start: str = ""


_FREE = {"data", "teacher", "patience"} | Place.model_fields.keys() | Following.model_fields.keys()
ANEW = tuple(name for name in TrainConfig.model_fields if name in _FREE)
"""Settings that may change between two starts: data and teacher are known by what they hold."""


def make_train_config(settings: Mapping[str, Any]) -> TrainConfig:
    """Check settings. Raises SettingError that names the setting, what was found and what is allowed."""
    return checked(settings, TrainConfig, within="changes")
