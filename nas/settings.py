"""Declaring settings, offering them on the command line, and reading typed text."""

import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, ClassVar, Literal, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from nas.errors import SettingError, UserError, brief
from nas.files import Json
from nas.registry import suggest

PREFIXES = {"%": 0.01, "k": 1e3, "M": 1e6, "G": 1e9}
WORDS = {"ge": "from", "gt": "above", "le": "at most", "lt": "below"}
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
INSTEAD = {
    "data": "write NAME[:PATH]; save arrays by numpy.savez and name the file, npz:FILE, or offer what reads your "
    "images as a data set of your own (docs/plugins.md)",
    "sampler": "samplers go by name, such as tpe, and one that you made comes in a plug-in (docs/plugins.md)",
}
"""What to do about a setting for which Python users often pass something else."""
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, lt=1)]
NAMED = ("device", "dtype")
"""PyTorch's values that settings write as text."""
Names = Annotated[tuple[str, ...], Field(strict=False)]  # a file holds a list


class Settings(BaseModel):
    """A frozen group of settings that refuses unknown names and wrong types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Group(Settings):
    """Settings that share a panel of the help, titled `panel` or first with None."""

    panel: ClassVar[str | None] = None


@dataclass(frozen=True)
class Flag:
    """The option that offers a setting on the command line, as metadata in the setting's `Annotated` type.

    `value` stands for the value in the help (N, NAME), `meaning` is one line of at most 60 characters. `name` is the
    flag where it differs from the setting's name, `default` describes a default whose value says little. `read` turns
    the typed text into the setting's value, given the flag; with `repeated` it gets a list of texts.
    """

    value: str
    meaning: str
    name: str = ""
    default: str = ""
    read: Callable[[Any, str], Any] | None = None
    repeated: bool = False


def flag_of(field: FieldInfo) -> Flag | None:
    """Return the option that offers a setting, None where none does."""
    return next((note for note in field.metadata if isinstance(note, Flag)), None)


Made = TypeVar("Made", bound=Settings)


def checked(settings: Mapping[str, Any], model: type[Made], within: str = "") -> Made:
    """Make a model of settings. Raises SettingError that names the setting, what was found and what is allowed.

    An unknown one may be among those of another setting, which callers name `within` if not by its own name.
    """
    try:
        return model.model_validate(understood(settings, model))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        cause = first.get("ctx", {}).get("error")
        if isinstance(cause, UserError):
            raise cause from None
        if first["type"] == "extra_forbidden":
            *parts, last = map(str, first["loc"])
            key = ".".join([*parts, last])
            part = model.model_fields[parts[0]].annotation if parts else model
            allowed = part.model_fields if isinstance(part, type) and issubclass(part, BaseModel) else ()
            holders = [name for name, inner in model.model_fields.items()
                       if not parts and last in getattr(inner.annotation, "model_fields", ())]  # fmt: skip
            if holders:
                raise SettingError(
                    f"unknown setting '{last}'; write {within or holders[0]}={{'{last}': ...}}"
                ) from None
            raise SettingError(f"unknown setting '{key}'. {suggest(last, allowed)}") from None
        raise SettingError(refusal(first, model)) from None


def refusal(first: ErrorDetails, model: type[Settings]) -> str:
    """Say which setting a pydantic error is about, what was found and what to write instead.

    A setting that is offered as an option is named as there, without the part that holds it.
    """
    names, rules = list[str](), list[Any]()
    kind: Any = model
    for name in map(str, first["loc"]):
        fields = kind.model_fields if isinstance(kind, type) and issubclass(kind, Settings) else {}
        if name in fields:
            kind, rules = fields[name].annotation, fields[name].metadata
        elif get_origin(kind) in (dict, tuple):
            kind, rules = get_args(kind)[get_origin(kind) is dict], []
        else:
            break  # a member of a union
        names = [name] if any(isinstance(rule, Flag) for rule in rules) else [*names, name]
    name = ".".join(names)
    return f"{name}: found {brief(first['input'])}; {INSTEAD.get(name) or f'write {_allowed(kind, rules)}'}"


def _allowed(kind: Any, rules: Iterable[Any]) -> str:
    """Say what a value of an annotated type may be: `auto, or a whole number from 1 to 64`."""
    if hasattr(kind, "__metadata__"):
        return _allowed(kind.__origin__, [*rules, *kind.__metadata__])
    origin = get_origin(kind) or kind
    if origin is Literal:
        *names, last = map(str, get_args(kind))
        return f"{', '.join(names)} or {last}" if names else last
    if origin in (Union, UnionType):
        return ", or ".join(_allowed(member, rules) for member in get_args(kind) if member is not NoneType)
    if origin in (int, float):
        return ("a whole number" if kind is int else "a number") + _within(rules, whole=kind is int)
    return {str: "a text", tuple: "names"}.get(origin, "settings by their names")


def _within(rules: Iterable[Any], *, whole: bool) -> str:
    """Say between which limits a number may be: ` from 1 to 64`, ` above 0, below 1`."""
    limits = dict[str, float]()
    for rule in chain.from_iterable(rule.metadata if isinstance(rule, FieldInfo) else [rule] for rule in rules):
        limits |= {name: limit for name in WORDS if (limit := getattr(rule, name, None)) is not None}
    if whole and "lt" in limits:
        limits["le"] = limits.pop("lt") - 1
    if {"ge", "le"} <= limits.keys():
        return f" from {limits['ge']:,} to {limits['le']:,}"
    return ",".join(f" {word} {limits[name]:,}" for name, word in WORDS.items() if name in limits)


def understood(settings: Mapping[str, Any], model: type[Settings]) -> Json:
    """Turn what Python users pass for a model's settings into what it takes: a text is read as on the command line.

    Raises SettingError for a text that is not allowed. What is of a wrong type is left to the model.
    """
    return {name: _understood(name, value, model.model_fields.get(name)) for name, value in settings.items()}


def _understood(name: str, value: Any, field: FieldInfo | None) -> Any:
    value, flag = plain(value), flag_of(field) if field else None
    kind: Any = field.annotation if field else None
    if isinstance(value, Mapping) and isinstance(kind, type) and issubclass(kind, Settings):
        return understood(value, kind)
    texts = [value] if isinstance(value, str) else list(value) if isinstance(value, tuple) else []
    if not texts or not all(isinstance(text, str) for text in texts):
        return value
    if flag and flag.read and (flag.repeated or isinstance(value, str)):
        value = flag.read(texts if flag.repeated else value, name)
    try:
        return TypeAdapter(kind).validate_strings(value) if isinstance(value, str) else value
    except ValidationError:
        return value


class Array:
    """An array of several dimensions by its type and shape: no setting takes one, so images were passed by mistake."""

    def __init__(self, said: str) -> None:
        self.said = said

    def __repr__(self) -> str:
        return self.said


def plain(value: Any) -> Any:
    """Turn NumPy's and PyTorch's values, paths, runs, lists and mappings of such into plain data."""
    if isinstance(value, Mapping):
        return {plain(key): plain(kept) for key, kept in value.items()}
    if isinstance(value, list | tuple):
        return tuple(plain(kept) for kept in value)
    if isinstance(value, os.PathLike):
        return os.fsdecode(value)
    if isinstance(folder := getattr(value, "folder", None), Path):  # a run, or a training
        return str(folder)
    library = type(value).__module__.partition(".")[0]
    if library in ("numpy", "torch") and hasattr(value, "tolist"):
        if value.ndim > 1:
            return Array(brief(value))
        return plain(value.tolist()) if value.ndim else value.item()
    return str(value).removeprefix("torch.") if library == "torch" and type(value).__name__ in NAMED else value


def text_of(value: Any, name: str) -> str:
    """Return a text, or a path as text. Raises SettingError, naming the argument, for anything else."""
    found = plain(value)
    if not isinstance(found, str):
        raise SettingError(f"{name}: found {brief(value)}; write a text or a path")
    return found


def plugin_paths(value: Any) -> tuple[str, ...]:
    """Return one or several paths of plug-ins as texts, none for None. Raises SettingError for others."""
    found = plain(value)
    every = found if isinstance(found, tuple) else () if found is None else (found,)
    return tuple(text_of(each, "plugins") for each in every)


def seconds_of(text: str) -> float | None:
    """Read `90s`, `30m`, `2h` or `1d` as seconds, any other text and a time of nothing as None."""
    match = re.fullmatch(r"(\d{1,9}(?:\.\d+)?)([smhd])", text.strip())
    return float(match[1]) * UNITS[match[2]] or None if match else None


def parse_number(text: str, option: str) -> float | str:
    """Read a number, or `auto`. Raises SettingError for another text."""
    if text == "auto":
        return text
    try:
        number = float(text)
    except ValueError:
        raise SettingError(f"{option} {text}: write a number or auto") from None
    return int(number) if number.is_integer() else number


def parse_amount(text: str) -> float | None:
    """Read `5`, `2e-3`, `90%`, `64k`, `1.5M` or `2G` as a number, and any other text as None."""
    number, factor = text.strip(), 1.0
    if number[-1:] in PREFIXES:
        number, factor = number[:-1], PREFIXES[number[-1:]]
    try:
        return float(number) * factor
    except ValueError:
        return None


def parse_names(text: str, _option: str) -> tuple[str, ...]:
    """Read names separated by commas."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


class Seeds(Group):
    """What is drawn: networks, weights, order and augmentation by `seed`, the parts of the data by `split_seed`.

    The latter also chooses the subset of the training part, and makes images that are made. It is the seed unless told.
    """

    panel = "What is drawn at random"

    seed: Annotated[int, Field(ge=0, lt=2**32), Flag("N", "Repeats a search of one worker, a training on one CPU.")] = 0
    split_seed: Annotated[
        int | None, Field(ge=0, lt=2**32), Flag("N", "Divides the data into parts.", default="the seed")
    ] = None

    @property
    def split(self) -> int:
        """The seed that divides the data."""
        return self.seed if self.split_seed is None else self.split_seed


class Following(Group):
    """The trackers in which a team follows a search or a training, by name."""

    panel = "Where it is followed"

    log: Annotated[Names, Flag("NAMES", "tensorboard,mlflow; or none.", read=parse_names, default="none")] = ()

    @field_validator("log")
    @classmethod
    def _trackers(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(name for name in dict.fromkeys(names) if name != "none")  # one that is not here is refused later


def parse_none(text: str, _option: str) -> str | None:
    """Read `none` as nothing, and another text as it stands."""
    return None if text == "none" else text


def parse_limits(texts: list[str], option: str, check: Callable[[str], None], form: str) -> dict[str, float]:
    """Read `latency=5`, `params=1M` and the like as numbers by name.

    `check` raises for an unknown name; `form` says how a limit is written. Raises SettingError for another text.
    """
    limits = {}
    for text in texts:
        name, _, number = text.partition("=")
        if "<" in name or ">" in name:
            raise SettingError(f"{option} {text}: write {form}")
        check(name.strip())
        if name.strip() in limits:
            raise SettingError(f"{option} {text}: there is a number for {name.strip()} already")
        if (value := parse_amount(number)) is None:
            raise SettingError(f"{option} {text}: write {form}" + f"; repeat {option} for each" * ("=" in number))
        limits[name.strip()] = value
    return limits
