"""Every setting of a search, in the groups that the command line's help shows."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from nas.errors import SettingError, brief
from nas.registry import EXECUTORS, SAMPLERS, SCORES, TASKS, device_file, suggest, target_name
from nas.settings import (
    Flag,
    Following,
    Group,
    Names,
    Positive,
    Seeds,
    Settings,
    checked,
    parse_limits,
    parse_names,
    parse_none,
    parse_number,
    plain,
    seconds_of,
)
from nas.training.catalogue import check_limit, check_objective, load_task, objective_names
from nas.training.recipe import Recipe

MOST_TRIALS = 1_000_000


class Budget(Settings):
    """The end of a search: after `trials` trained architectures, or after `seconds`."""

    trials: Annotated[int, Field(ge=1, le=MOST_TRIALS)] | None = None
    seconds: Positive | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> "Budget":
        if (self.trials is None) == (self.seconds is None):
            raise SettingError("budget: write either a number of architectures or a time")
        return self

    def __str__(self) -> str:
        return f"{self.trials} architecture{'' if self.trials == 1 else 's'}" if self.trials else f"{self.seconds:g} s"


def parse_budget(text: str | int | Budget, _option: str = "") -> Budget:
    """Read `200` as a number of architectures, `90s`, `30m` or `2h` as a time. Raises SettingError for another text."""
    if isinstance(text, Budget):
        return text
    given = plain(text)
    text = str(int(given) if isinstance(given, float) and given.is_integer() else given)
    count, seconds = re.fullmatch(r"\d{1,9}", text.strip()), seconds_of(text)
    if not (seconds or (count and int(count[0]))):
        wanted = "a number of architectures (200) or a time (90s, 30m, 2h)"
        raise SettingError(f"budget: found {brief(text)}; write {wanted}")
    if count and int(count[0]) > MOST_TRIALS:
        raise SettingError(f"budget: found {text}; at most {MOST_TRIALS:,} architectures")
    return Budget(trials=int(count[0])) if count else Budget(seconds=seconds)


def _named(text: str, _option: str) -> tuple[str, ...] | None:
    """Read the names of objectives, or None for those of the task."""
    return tuple(part.strip() for part in text.split(",")) if text else None


def _limits(texts: list[str], option: str) -> dict[str, float]:
    return parse_limits(texts, option, check_limit, f"OBJECTIVE=NUMBER, such as {option} latency=5 for 5 ms")


def _paths(texts: list[str], _option: str) -> tuple[str, ...]:
    return tuple(texts)


def _shares(texts: list[str], option: str) -> dict[str, float]:
    return parse_limits(texts, option, SCORES.check, f"SCORE=NUMBER, such as {option} jacob_cov=0.5")


class Goal(Group):
    """The space to search, the images, the budget and the objectives.

    `maximum` and `minimum` are limits on objectives that need no training. `pick` is the rule that picks the network of
    `best.yaml`, for which the run stands. `plugins` are paths of files that offer kinds.
    """

    space: Annotated[str, Flag("NAME|FILE", "The search space; see nas spaces.")] = ""
    data: Annotated[str, Flag("NAME[:PATH]", "Images: digits, image_folder:DIR, voc:DIR, ...")] = ""
    task: Annotated[str, Flag("NAME", "What networks learn: classification, detection.")] = "classification"
    budget: Annotated[Budget, Flag("N|TIME", "Networks to train (200), or a time (30m, 2h).", read=parse_budget)] = (
        Budget(trials=200)
    )
    objectives: Annotated[
        tuple[str, ...], Flag("NAMES", "Two or more: accuracy,latency,params, ...", default="the task's", read=_named)
    ] = ()
    maximum: Annotated[
        dict[str, Positive],
        Flag("NAME=X", "A limit for every network: latency=5. May be repeated.", "--max", "", _limits, True),
    ] = Field(default_factory=dict)
    minimum: Annotated[
        dict[str, Positive],
        Flag("NAME=X", "The least value allowed: throughput=100, macs=1M.", "--min", "", _limits, True),
    ] = Field(default_factory=dict)
    pick: Annotated[str, Flag("RULE", "What best.yaml is: knee, accuracy, 'latency<=2', ...")] = "knee"
    plugins: Annotated[
        Names, Flag("FILE", "Python file that offers kinds. May be repeated.", read=_paths, repeated=True)
    ] = ()

    @field_validator("task")
    @classmethod
    def _task(cls, name: str) -> str:
        TASKS.check(name)
        return name

    @field_validator("objectives")
    @classmethod
    def _objectives(cls, names: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        offered = objective_names(info.data.get("task", ""))
        for name in names:
            check_objective(name, offered)
        if len(set(names)) < len(names):
            raise SettingError(f"objectives: one is named twice in {', '.join(names)}")
        if len(names) < 2:
            found = ", ".join(names) or "none"
            raise SettingError(f"objectives: name two or more by comma, found {found}. {suggest('', offered)}")
        return names

    @field_validator("maximum", "minimum")
    @classmethod
    def _limits(cls, limits: dict[str, float]) -> dict[str, float]:
        for name in limits:
            check_limit(name)
        return limits


class Choosing(Group):
    """The choice of networks.

    After the budget the front is trained `confirm` times again, from other seeds. `seed_with` names networks, shipped
    ones or files; the points of the space nearest to them are trained first and count against the budget. `warm_start`
    names earlier runs to learn from, `scores` zero-cost scores to note before a training, and `prefilter` gives, by
    score, the share of the candidates to train, those with the best scores.
    """

    panel = "How networks are chosen"

    sampler: Annotated[str, Flag("NAME", "pareto, tpe, nsga2, gp or random.")] = "pareto"
    confirm: Annotated[int, Field(ge=0, le=100), Flag("N", "Further trainings of the front, at the end.")] = 2
    seed_with: Annotated[
        Names, Flag("NAMES", "Networks to start from: coatnet_0,RUN:accuracy,FILE.", read=parse_names)
    ] = ()
    warm_start: Annotated[Names, Flag("RUNS", "Earlier runs to learn from, by comma.", read=parse_names)] = ()
    scores: Annotated[
        Names, Flag("NAMES", "Zero-cost scores to note, by comma: synflow,naswot.", read=parse_names)
    ] = ()
    prefilter: Annotated[
        dict[str, Annotated[float, Field(gt=0, lt=1)]],
        Flag("NAME=SHARE", "Train the best share by a score: jacob_cov=0.5.", read=_shares, repeated=True),
    ] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _kinds(self) -> "Choosing":
        SAMPLERS.check(self.sampler)
        for name in (*self.scores, *self.prefilter):
            SCORES.check(name)
        return self


class Training(Group):
    """The training of networks: the side of their images in pixels, their recipe, and the lengths.

    Every network is trained on the first of the `rungs`, lengths in trainings of the recipe (auto: calibrated, or one).
    Those that may belong to the front go on and take the share `promotion` of all training; with 1 every one goes on to
    the last rung and is trained there again, from `confirm` other seeds.
    """

    panel = "How networks are trained"

    resolution: Annotated[
        int | None, Field(ge=4, le=2048), Flag("PIXELS", "Side of the images.", default="the data's")
    ] = None
    rungs: Annotated[Literal["auto"] | tuple[int, ...], Flag("NUMBERS", "Training lengths: 1,3,9, or auto.")] = "auto"
    promotion: Annotated[
        Positive, Field(le=1), Flag("SHARE", "Share of all training spent on networks that go on.")
    ] = 0.5
    recipe: Recipe = Recipe()

    @property
    def lengths(self) -> tuple[int, ...]:
        """The lengths of the rungs, one where nothing is known."""
        return (1,) if self.rungs == "auto" else self.rungs

    @property
    def epochs(self) -> tuple[int, ...]:
        """The epochs of a training on each rung."""
        return tuple(length * self.recipe.epochs for length in self.lengths)

    @field_validator("rungs", mode="before")
    @classmethod
    def _longer(cls, rungs: Any) -> object:
        try:
            found = [int(str(length)) for length in (rungs.split(",") if isinstance(rungs, str) else rungs)]
        except (TypeError, ValueError):
            found = []
        if rungs == "auto" or (found and found == sorted({length for length in found if length > 0})):
            return tuple(found) or rungs
        raise SettingError(f"rungs: found {brief(rungs)}; write lengths, each longer than the one before: 1,3,9")


class Machine(Group):
    """The machine that trains networks: `workers` trials at once, here or on the Ray cluster at `ray`.

    Each takes `gpus_per_trial` of a GPU, and is given up after `trial_timeout` seconds.
    """

    panel = "Where networks are trained"

    device: Annotated[Literal["auto", "cpu", "cuda"], Flag("NAME", "cpu, cuda or auto.")] = "auto"
    executor: str = "auto"
    workers: Annotated[
        Literal["auto"] | Annotated[int, Field(ge=1, le=100_000)],
        Flag("N", "Trainings at once: a number or auto.", read=parse_number),
    ] = "auto"
    ray: Annotated[
        Annotated[str, Field(min_length=1)] | None,
        Flag("ADDRESS", "A running Ray cluster: its address, auto or none.", default="none", read=parse_none),
    ] = None
    gpus_per_trial: Annotated[
        Literal["auto"] | Annotated[float, Field(gt=0, le=64)],
        Flag("X", "Part of a GPU for each training: 0.25, or auto.", read=parse_number),
    ] = "auto"
    trial_timeout: Annotated[
        Positive | None, Flag("SECONDS", "A longer trial is given up; or none.", default="none", read=parse_none)
    ] = None

    @field_validator("executor")
    @classmethod
    def _executor(cls, name: str) -> str:
        if name != "auto":
            EXECUTORS.check(name)
        return name


class Shipping(Group):
    """The target that networks are shipped to.

    `target` is one of this machine (auto: the search's own device, operator by operator) or, as `file:` and a path, a
    device that was measured elsewhere. It takes `latency_batch` images at once, with `threads` and `dtype`, unless
    given those of the file; throughput takes `throughput_batch`. `latency` chooses measured or predicted milliseconds.
    """

    panel = "Where networks will run"

    target: Annotated[str, Flag("NAME", "cpu, onnxruntime, cuda, file:PATH, ... or auto.")] = "auto"
    latency: Annotated[
        Literal["auto", "measured", "predicted"], Flag("HOW", "Latency is measured, predicted or auto.")
    ] = "auto"
    latency_batch: Annotated[int, Field(ge=1, le=65_536), Flag("N", "Images at once.", default="1 or the file's")] = 1
    throughput_batch: Annotated[int, Field(ge=1, le=65_536), Flag("N", "Images at once, for throughput.")] = 32
    threads: Annotated[int, Field(ge=1, le=1024), Flag("N", "CPU threads.", default="1 or the file's")] = 1
    dtype: Annotated[
        Literal["float32", "float16", "bfloat16"], Flag("NAME", "float32, float16 or bfloat16.", default="float32")
    ] = "float32"

    @field_validator("target")
    @classmethod
    def _target(cls, text: str) -> str:
        return text if text == "auto" else target_name(text)

    def images_at_once(self, objective: str) -> int:
        """How many images a time that is an objective was measured with."""
        return self.throughput_batch if objective == "throughput" else self.latency_batch

    @property
    def device_file(self) -> Path | None:
        """The file of a device that was measured elsewhere, or None for a target of this machine."""
        return device_file(self.target)


GROUPS: tuple[type[Group], ...] = (Goal, Choosing, Seeds, Training, Machine, Shipping, Following)


# pydantic takes the last base's fields first
class SearchConfig(Following, Shipping, Machine, Training, Seeds, Choosing, Goal):
    """Every setting of a search. Space, data, objectives and recipe are those of the task unless named."""

    @model_validator(mode="before")
    @classmethod
    def _of_the_task(cls, settings: dict[str, Any]) -> dict[str, Any]:
        task, recipe = load_task(settings.get("task", cls.model_fields["task"].default)), settings.get("recipe", {})
        found = {"objectives": task.objectives, "space": task.space, "data": task.data}
        given = {k: value for k, value in settings.items() if k not in found or (value is not None and str(value))}
        return found | given | ({"recipe": {**task.recipe, **recipe}} if isinstance(recipe, Mapping) else {})


def make_config(settings: Mapping[str, Any]) -> SearchConfig:
    """Check settings. Raises SettingError that names the setting, what was found and what is allowed."""
    return checked(settings, SearchConfig)
