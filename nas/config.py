"""SearchConfig: every setting of a search, validated, and written into the run's folder."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from nas.errors import SettingError, UserError
from nas.registry import EXECUTORS, OBJECTIVES, PRUNERS, SAMPLERS, SCORES, Registry, suggest, target_name

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, lt=1)]


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Recipe(_Settings):
    """The proxy training: AdamW with warm-up and cosine decay, short enough to run hundreds of times.

    `subset` is the number of training images (None: all). `shift` and `cutout` are in pixels at 32-pixel images and
    grow with the resolution. `initial` weights are the papers' or scaled to narrow widths, for short trainings.
    `warmup` is a share of the steps, `clip` bounds the gradient's norm, `drop_path` is the last block's rate.
    """

    epochs: Annotated[int, Field(ge=1, le=10_000)] = 1
    batch_size: Annotated[int, Field(ge=2, le=65_536)] = 16
    learning_rate: Positive = 2e-3
    weight_decay: Annotated[float, Field(ge=0, le=10)] = 0.05
    warmup: Share = 0.2
    label_smoothing: Share = 0.1
    clip: Positive = 1.0
    drop_path: Share = 0.0
    shift: Annotated[int, Field(ge=0, le=32)] = 2
    cutout: Annotated[int, Field(ge=0, le=64)] = 0
    subset: Annotated[int, Field(ge=2)] | None = None
    initial: Literal["paper", "scaled"] = "scaled"


class Budget(_Settings):
    """When a search ends: after `trials` trained architectures, or after `seconds`."""

    trials: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    seconds: Positive | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> "Budget":
        if (self.trials is None) == (self.seconds is None):
            raise SettingError("budget: write either a number of architectures or a time")
        return self

    def __str__(self) -> str:
        return f"{self.trials} architectures" if self.trials else f"{self.seconds:g} s"


class SearchConfig(_Settings):
    """Every setting of a search. `maximum` and `minimum` are limits on objectives known before training.

    `seed_with` names networks (shipped ones, or files); the points of the space nearest to them are trained first
    and count against the budget. `warm_start` names earlier runs to learn from (nas/engine/warm_start.py says what).

    `scores` names zero-cost scores that are noted of each architecture before it is trained. `prefilter` is, by
    score, the share of the candidates that are trained: those that score best.

    `pruner` stops trainings that cannot matter; after the budget the front is trained `confirm` times again.

    `workers` trials run at once, on this machine or on the Ray cluster at `ray`; `gpus_per_trial` is the part of a
    GPU that each takes, `trial_timeout` the seconds after which one is given up.

    `target` is where the networks will run (auto: the search's own device, operator by operator; `file:` and a path: a
    device that was measured elsewhere), with `latency_batch` images at once, `threads` and `dtype`; `latency` says
    whether its milliseconds are measured or predicted. `throughput_batch` is the batch of the objective throughput.
    """

    space: str = "cvt_family"
    data: str = "cluttered_digits"
    budget: Budget = Budget(trials=200)
    objectives: tuple[str, ...] = ("accuracy", "latency")
    maximum: dict[str, Positive] = {}
    minimum: dict[str, Positive] = {}
    sampler: str = "pareto"
    pruner: str = "dominance"
    confirm: Annotated[int, Field(ge=0, le=100)] = 2
    executor: str = "auto"
    workers: Literal["auto"] | Annotated[int, Field(ge=1, le=100_000)] = "auto"
    ray: Annotated[str, Field(min_length=1)] | None = None
    gpus_per_trial: Literal["auto"] | Annotated[float, Field(gt=0, le=64)] = "auto"
    trial_timeout: Positive | None = None
    seed_with: Annotated[tuple[str, ...], Field(strict=False)] = ()
    warm_start: Annotated[tuple[str, ...], Field(strict=False)] = ()
    scores: Annotated[tuple[str, ...], Field(strict=False)] = ()
    prefilter: dict[str, Annotated[float, Field(gt=0, lt=1)]] = {}
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    resolution: Annotated[int, Field(ge=4, le=2048)] | None = None
    device: Literal["auto", "cpu", "cuda"] = "auto"
    target: str = "auto"
    latency: Literal["auto", "measured", "predicted"] = "auto"
    latency_batch: Annotated[int, Field(ge=1, le=65_536)] = 1
    throughput_batch: Annotated[int, Field(ge=1, le=65_536)] = 32
    threads: Annotated[int, Field(ge=1, le=1024)] = 1
    dtype: Literal["float32", "float16", "bfloat16"] = "float32"
    recipe: Recipe = Recipe()

    @field_validator("objectives")
    @classmethod
    def _objectives(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            OBJECTIVES.check(name)
        if len(set(names)) < len(names):
            raise SettingError(f"objectives: one is named twice in {', '.join(names)}")
        if len(names) < 2:
            raise SettingError(f"objectives: name two or more by comma, found {names[0] if names else 'none'}. "
                               f"{suggest('', OBJECTIVES.names())}")  # fmt: skip
        return names

    @field_validator("target")
    @classmethod
    def _target(cls, text: str) -> str:
        return text if text == "auto" else target_name(text)

    @model_validator(mode="after")
    def _names(self) -> "SearchConfig":
        SAMPLERS.check(self.sampler)
        PRUNERS.check(self.pruner)
        if self.executor != "auto":
            EXECUTORS.check(self.executor)
        for name in (*self.maximum, *self.minimum):
            OBJECTIVES.check(name)
        for name in (*self.scores, *self.prefilter):
            SCORES.check(name)
        return self


def make_config(settings: Mapping[str, Any]) -> SearchConfig:
    """A checked SearchConfig. Raises SettingError that names the setting, what was found and what is allowed."""
    try:
        return SearchConfig.model_validate(dict(settings))
    except UserError:
        raise
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        cause = first.get("ctx", {}).get("error")
        if isinstance(cause, UserError):
            raise cause from None
        key = ".".join(str(k) for k in first["loc"])
        if first["type"] == "extra_forbidden":
            known = Recipe.model_fields if first["loc"][0] == "recipe" else SearchConfig.model_fields
            raise SettingError(f"unknown setting '{key}'. {suggest(str(first['loc'][-1]), known)}") from None
        remedy = "; a side is 4 to 2048 pixels" if key == "resolution" else ""
        raise SettingError(f"{key}: found {first['input']!r}: {first['msg']}{remedy}") from None


def broken_limit(config: SearchConfig, metrics: dict[str, float]) -> str:
    """The first limit that the metrics break, in words, or an empty text."""
    for name, limit in config.maximum.items():
        if name in metrics and metrics[name] > limit:
            return f"{name} {metrics[name]:.6g} is above {limit:g}"
    for name, limit in config.minimum.items():
        if name in metrics and metrics[name] < limit:
            return f"{name} {metrics[name]:.6g} is below {limit:g}"
    return ""


def parse_number(text: str, option: str) -> float | str:
    """A number, or `auto`. Raises SettingError for another text."""
    if text == "auto":
        return text
    try:
        number = float(text)
    except ValueError:
        raise SettingError(f"{option} {text}: write a number or auto") from None
    return int(number) if number.is_integer() else number


_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def parse_budget(text: str | int) -> Budget:
    """`200` is a number of architectures, `90s`, `30m`, `2h` or `1d` a time. Raises SettingError for another text."""
    match = re.fullmatch(r"(\d{1,9})|(\d{1,9}(?:\.\d+)?)([smhd])", str(text).strip())
    if not match or not float(match[1] or match[2]):
        raise SettingError(f"budget: found '{text}'; write a number of architectures (200) or a time (90s, 30m, 2h)")
    if match[1]:
        try:
            return Budget(trials=int(match[1]))
        except ValidationError:
            raise SettingError(f"budget: found {text}; at most 1,000,000 architectures") from None
    return Budget(seconds=float(match[2]) * _UNITS[match[3]])


def parse_limits(
    texts: list[str], option: str, kinds: Registry = OBJECTIVES, example: str = "latency=5"
) -> dict[str, float]:
    """`latency=5` and the like as numbers by objective, or other kind. Raises SettingError for another text."""
    limits = {}
    for text in texts:
        name, _, number = text.partition("=")
        kinds.check(name.strip())
        if name.strip() in limits:
            raise SettingError(f"{option} {text}: there is a number for {name.strip()} already")
        try:
            limits[name.strip()] = float(number)
        except ValueError:
            raise SettingError(
                f"{option} {text}: write {kinds.noun.upper()}=NUMBER, such as {option} {example}"
            ) from None
    return limits
