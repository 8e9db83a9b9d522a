"""Tell what sort of kind an object is, by its class, its methods, or the type that a function returns."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, get_type_hints

from optuna.samplers import BaseSampler

from nas.costs.targets import Target
from nas.data import Dataset
from nas.errors import SettingError
from nas.evaluation.objectives import Objective
from nas.network.blocks import Block
from nas.network.heads import Head
from nas.network.stems import Stem
from nas.training.tasks import Task

CLASSES = {Block: "block", Stem: "stem", Head: "head"}
INSTANCES = {Objective: "objective", Target: "target", Task: "task"}
ATTRIBUTES = {"executor": ("execute", "there"), "format": ("write", "suffix", "weights")}  # from floors above
METHODS = {"tracker": ("begin", "note", "end", "missing")}  # of a class from a floor above
RETURNED = {Dataset: "data set", BaseSampler: "sampler", float: "score"}
PARAMETERS = {"data set": ("path", "seed", "resolution")}
ALLOWED = (
    "a kind is a class of Block, Stem, Head or Tracker, an Objective, Target, Task or Format, an object with the "
    "methods execute and there, or a function that says what it returns: -> Dataset (data set), -> BaseSampler "
    "(sampler), -> float (score)"
)


def classify(kind: object) -> str:
    """Return the noun of an object's registry: `block`, `data set`, ...

    Raises SettingError for an object that is no kind.
    """
    if isinstance(kind, type):
        noun = next((noun for base, noun in CLASSES.items() if issubclass(kind, base)), None) or _alike(kind, METHODS)
    elif inspect.isfunction(kind):
        noun = _of_function(kind)
    else:
        noun = next((noun for base, noun in INSTANCES.items() if isinstance(kind, base)), None)
        noun = noun or _alike(kind, ATTRIBUTES)
    if noun is None:
        raise SettingError(f"found {_described(kind)}; {ALLOWED}")
    return noun


def _alike(kind: object, known: Mapping[str, tuple[str, ...]]) -> str | None:
    """Return the noun of what has all these attributes."""
    return next((noun for noun, names in known.items() if all(hasattr(kind, name) for name in names)), None)


def _of_function(function: Callable[..., Any]) -> str | None:
    try:
        returned = get_type_hints(function).get("return", object)
    except (NameError, TypeError, AttributeError, SyntaxError) as error:
        raise SettingError(f"found a function whose annotations cannot be read ({error}); {ALLOWED}") from None
    noun = next((n for base, n in RETURNED.items() if isinstance(returned, type) and issubclass(returned, base)), None)
    missing = [p for p in PARAMETERS.get(noun or "", ()) if p not in inspect.signature(function).parameters]
    if missing:
        raise SettingError(f"found a {noun} without the parameter {missing[0]}; write "
                           "def name(path: None, *, seed: int, resolution: int | None = None) -> Dataset")  # fmt: skip
    return noun


def _described(kind: object) -> str:
    if isinstance(kind, type):
        return f"the class {kind.__name__}({', '.join(base.__name__ for base in kind.__bases__)})"
    if not inspect.isfunction(kind):
        return f"an object of {type(kind).__name__}"
    returned = inspect.signature(kind).return_annotation
    says = "does not say what it returns" if returned is inspect.Signature.empty else f"returns {returned}"
    return f"a function that {says}"
