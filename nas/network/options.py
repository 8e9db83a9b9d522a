"""Options, which a space may vary: the keyword-only parameters of a block's constructor.

There is no second schema. A parameter's annotation is its law, its default the paper's value.
"""

import inspect
from collections.abc import Callable
from functools import cache
from typing import Annotated, Any, get_args, get_origin

from pydantic import AfterValidator, Field, TypeAdapter

from nas.errors import SettingError, brief
from nas.registry import Registry, suggest

Scalar = bool | int | float | str
TAKEN = {"stem": ("kind", "width"), "block": ("block", "depth", "width", "stride"), "head": ("kind",)}
"""What a part has beside the options of its kind, by the kind's noun."""


def _odd(value: int) -> int:
    if value % 2 == 0:
        raise ValueError("even")
    return value


# error messages use the text in an annotation
Ratio = Annotated[float, Field(ge=0, le=1), "from 0 to 1"]
Expansion = Annotated[float, Field(gt=0, le=16), "above 0, at most 16"]
Kernel = Annotated[int, Field(ge=1, le=15), AfterValidator(_odd), "odd, from 1 to 15"]
HeadDim = Annotated[int, Field(ge=1, le=512), "from 1 to 512 that divides the width"]
Count = Annotated[int, Field(ge=1, le=64), "from 1 to 64"]


class Option:
    """One option of a block, stem or head."""

    def __init__(self, parameter: inspect.Parameter) -> None:
        self.name, self.default = parameter.name, parameter.default
        self.law: TypeAdapter[Any] = TypeAdapter(parameter.annotation)
        annotated = get_origin(parameter.annotation) is Annotated
        base, *limits = get_args(parameter.annotation) if annotated else [parameter.annotation]
        self.words = " ".join([_noun(base), *(limit for limit in limits if isinstance(limit, str))])
        self.choices = [choice for choice in get_args(base) if isinstance(choice, str)]

    def allows(self, value: Scalar) -> bool:
        """Tell whether a value keeps the parameter's law, without conversion."""
        try:
            found = self.law.validate_python(value, strict=True)
        except ValueError:
            return False
        return isinstance(found, float) or type(found) is type(value)  # 2.0 and true pass for choices that equal them

    def remedy(self, value: Scalar) -> str:
        """End a sentence about a value that is not allowed with what is, and with the nearest where words are."""
        return f". {suggest(str(value), self.choices)}" if self.choices else f": write {self.words}"


def _noun(base: Any) -> str:
    choices = get_args(base)
    if choices:
        return "one of " + ", ".join(map(str, choices))
    return {int: "a whole number", float: "a number", bool: "true or false"}.get(base, "a word")


def declared(kind: Callable[..., Any]) -> dict[str, Option]:
    """Return the options that a kind's constructor declares, in order. Raises SettingError for one written wrongly."""
    parameters = inspect.signature(kind, eval_str=True).parameters.values()
    options = [one for one in parameters if one.kind is one.KEYWORD_ONLY]
    for one in options:
        if why := _unwritten(one):
            raise SettingError(f"{inspect.getfile(kind)}: {kind.__qualname__}: the option {one.name} {why}")
    return {one.name: Option(one) for one in options}


def _unwritten(one: inspect.Parameter) -> str:
    """Say what is wrong with how an option is written: a file must hold its default where no space varies it."""
    if one.annotation is one.empty:
        return f"has no type: write {one.name}: int, or what it takes"
    if one.default is one.empty:
        return "has no default; write the paper's value"
    option, each = Option(one), one.default if isinstance(one.default, tuple) else (one.default,)
    if not (all(value is None or isinstance(value, Scalar) for value in each) and option.allows(one.default)):
        return f"has the default {brief(one.default)}: write {option.words}"
    return ""


@cache
def options_of(registry: Registry, kind: str) -> dict[str, Option]:
    """Return the options of a named kind. Raises SettingError for an unknown one, and for one with a taken name."""
    found = declared(registry.get(kind))
    if taken := [name for name in found if name in TAKEN[registry.noun]]:
        raise SettingError(f"{registry.noun} '{kind}': every {registry.noun} has a {taken[0]} of its own beside its "
                           f"options; rename the option {taken[0]}")  # fmt: skip
    return found
