"""Make the commands' options from the settings of a search, and declare others that several commands share."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any, get_args

import typer
from pydantic.fields import FieldInfo

from nas.cli.completion import NAMES, Completer, searches
from nas.config import GROUPS, Budget, SearchConfig, make_config
from nas.errors import option_text
from nas.record.config_file import ANEW
from nas.registry import TASKS
from nas.settings import Flag, Group, Settings, flag_of

DEFAULTS = SearchConfig()


def option(
    metavar: str,
    meaning: str,
    *flags: str,
    panel: str | None = None,
    default: str | bool = True,
    names: Completer | None = None,
    **limits: Any,
) -> Any:
    """Declare an option by the word for its value, its meaning, and its flags if they differ from its name.

    `panel` is the title of its part of the help (None: the first), `default` describes a default whose value says
    little, `limits` are the least and the largest value (`min`, `max`). A shell offers the `names`.
    """
    limits |= {"autocompletion": names} if names else {}
    return typer.Option(*flags, metavar=metavar, help=meaning, show_default=default, rich_help_panel=panel, **limits)


def argument(metavar: str, meaning: str, default: str | bool = True, names: Completer | None = None) -> Any:
    """Declare an argument as `option` declares an option. A shell offers the `names`."""
    return typer.Argument(metavar=metavar, help=meaning, show_default=default, autocompletion=names)


RunName = Annotated[str, argument("RUN", "A run's name, or its folder.", names=searches)]
Runs = Annotated[Path, option("DIR", "The folder of runs.")]
AsJson = Annotated[bool, option("", "Print JSON instead.", "--json")]


@dataclass(frozen=True)
class Offered:
    """A setting offered in a panel of the help.

    `part_of` names the setting that holds it. One that is `left` is None unless typed, and then left as it is: so are
    those of a part, which the task decides.
    """

    name: str
    field: FieldInfo
    flag: Flag
    panel: str | None
    part_of: str = ""
    left: bool = False

    def default(self) -> object:
        """Return the default as it would be typed, in a list if the option may be repeated."""
        if self.left:
            return None
        value = self.field.get_default(call_default_factory=True)
        if self.flag.repeated:
            return list(value)
        if isinstance(value, Budget):
            return str(value.trials)
        return ",".join(map(str, value)) if isinstance(value, tuple) else value

    def typed(self) -> Any:
        """Return the type that typer reads: a number or text as the setting is, or a list of texts if repeated."""
        if self.flag.repeated:
            return list[str]
        kinds = [self.field.annotation, *get_args(self.field.annotation)]
        kind = next((kind for kind in (bool, int, float) if kind in _plain(kinds) and not self.flag.read), str)
        return kind | None if type(None) in kinds or self.left else kind

    def bounds(self) -> dict[str, float]:
        """Return the least and the largest value by typer's names."""
        found: dict[str, float] = {}
        for rule in self.field.metadata:
            found |= {"min": rule.ge} if hasattr(rule, "ge") else {}
            found |= {"max": rule.le} if hasattr(rule, "le") else {}
        return found

    def read(self, text: Any) -> Any:
        """Read the setting's value from the text or number that was typed. Raises SettingError."""
        return self.flag.read(text, option_text(self.name, self.flag.name)) if self.flag.read else text


def _plain(kinds: list[Any]) -> list[Any]:
    """Strip types of their annotations."""
    return [getattr(kind, "__origin__", kind) if hasattr(kind, "__metadata__") else kind for kind in kinds]


def _offered(group: type[Settings], panel: str | None, part_of: str = "", left: bool = False) -> Iterator[Offered]:
    for name, field in group.model_fields.items():
        if flag := flag_of(field):
            yield Offered(name, field, flag, panel, part_of, left)
        elif isinstance(field.annotation, type) and issubclass(field.annotation, Settings):
            yield from _offered(field.annotation, panel, name, left=True)


Offers = dict[str, Offered]


def offers(groups: Iterable[type[Group]], part_of: str = "", left: bool = False) -> Offers:
    """Collect the settings that groups offer, by name."""
    found = (offered for group in groups for offered in _offered(group, group.panel, part_of, left))
    return {offered.name: offered for offered in found}


OFFERED = offers(GROUPS)
OFFERED |= {  # a device's file tells them unless they are typed, be it the default
    name: replace(OFFERED[name], left=True) for name in ("latency_batch", "threads", "dtype")
}


def _decided() -> dict[str, str]:
    """Write the defaults that the task decides, by setting: that of most tasks, then those that differ."""
    configs = {task: make_config({"task": task}) for task in TASKS.at_hand()}
    own = {task: dict(config) | dict(config.recipe) for task, config in configs.items()}
    first = own[DEFAULTS.task]
    names = ("space", "data", *(name for name, offered in OFFERED.items() if offered.part_of))
    return {
        name: "; ".join(
            [
                str(first[name]),
                *(f"{found[name]} for {task}" for task, found in own.items() if found[name] != first[name]),
            ]
        )
        for name in names
    }


DECIDED = _decided()


def setting(
    name: str,
    meaning: str = "",
    *,
    panel: str | None = None,
    default: str = "",
    bounded: bool = False,
    among: Offers = OFFERED,
) -> Any:
    """Declare the option of one setting, for a command that takes few of them.

    The words given replace the setting's own. With `bounded`, the command line itself checks the setting's limits.
    """
    offered = among[name]
    flag, bounds = offered.flag, offered.bounds() if bounded else {}
    flags = [flag.name] if flag.name else []
    decided = DECIDED.get(name, "") if offered is OFFERED.get(name) else ""
    words = default or flag.default or decided or not offered.left
    names = NAMES.get(name)
    return option(flag.value, meaning or flag.meaning, *flags, panel=panel, default=words, names=names, **bounds)


def takes_settings(among: Offers) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command, in place of its `**typed`, an option for each of many settings."""

    def add(command: Callable[..., None]) -> Callable[..., None]:
        own = [p for p in signature(command).parameters.values() if p.kind is not Parameter.VAR_KEYWORD]
        first = [p for p in own if p.kind is not Parameter.KEYWORD_ONLY]
        settings = [
            Parameter(
                name,
                Parameter.KEYWORD_ONLY,
                default=offered.default(),
                annotation=Annotated[offered.typed(), setting(name, panel=offered.panel, among=among)],
            )
            for name, offered in among.items()
        ]
        vars(command)["__signature__"] = Signature([*first, *settings, *own[len(first) :]])
        return command

    return add


def read_settings(typed: Mapping[str, Any], among: Offers = OFFERED) -> dict[str, Any]:
    """Read settings from what was typed for each, those of a part in a dict of its own. Raises SettingError.

    A setting that is left as it is unless typed is missing there.
    """
    settings: dict[str, Any] = {}
    for name, text in typed.items():
        offered = among[name]
        if offered.left and text is None:
            continue
        home = settings.setdefault(offered.part_of, {}) if offered.part_of else settings
        home[name] = offered.read(text)
    return settings


def _changed() -> Offers:
    """Offer what may change between two starts of a run, which keeps its own unless told."""
    first = {
        "budget": "A new budget, what is done included: 400, 1h.",
        "confirm": "Further trainings of the front, in all.",
        "data": "The same images at another place: image_folder:DIR, ...",
    }
    found = {name: OFFERED[name] for name in dict.fromkeys((*first, *ANEW)) if name in OFFERED}
    return {
        name: replace(
            one,
            flag=replace(one.flag, meaning=first.get(name, one.flag.meaning), default="its own"),
            panel=None if name in first else one.panel,
            left=True,
        )
        for name, one in found.items()
    }


CHANGED = _changed()
SpaceName = Annotated[str, setting("space", default=DEFAULTS.space)]
Plugins = Annotated[list[str], setting("plugins")]
