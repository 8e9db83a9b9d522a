"""Names -> plug-ins: a kind is one file in its folder, found by the file's name.

The plug-in of `nas/network/blocks/mbconv.py` is the object in it called `MBConv`: the file's name, letter case
and underscores aside. Listing names imports nothing; a kind is imported when it is first asked for.
"""

import difflib
import importlib
import pkgutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from nas.errors import SettingError, UserError

MANY = 20  # names, of which a person is shown the nearest alone


def suggest(name: str, allowed: Iterable[str]) -> str:
    """End of a sentence about an unknown name: the nearest allowed one, then all of them, if they are not too many."""
    allowed = list(allowed)
    near = difflib.get_close_matches(str(name), allowed, n=1, cutoff=0.5)
    hint = f"Did you mean '{near[0]}'? " if near else ""
    if near and len(allowed) > MANY:
        return hint.strip()
    return f"{hint}Allowed: {', '.join(allowed) if allowed else '(none)'}."


class Registry:
    """The plug-ins of one folder of the package."""

    def __init__(self, folder: str, noun: str) -> None:
        self.folder, self.noun = folder, noun
        self._found: dict[str, Any] = {}  # a space asks for its kinds thousands of times

    def names(self) -> list[str]:
        """Every kind there is, sorted; imports nothing."""
        path = Path(__file__).parent / self.folder
        return sorted(m.name for m in pkgutil.iter_modules([str(path)]) if not m.name.startswith("_"))

    def check(self, name: str, error: type[UserError] = SettingError) -> None:
        """Raise `error`, with the nearest name, unless `name` is a kind."""
        if name not in self.names():
            raise error(f"unknown {self.noun} '{name}'. {suggest(name, self.names())}")

    def get(self, name: str) -> Any:
        """The plug-in called `name`. Raises SettingError for an unknown one."""
        if name in self._found:
            return self._found[name]
        self.check(name)
        module = importlib.import_module(f"nas.{self.folder.replace('/', '.')}.{name}")
        plain = name.replace("_", "")
        found = next(v for k, v in vars(module).items() if k.lower().replace("_", "") == plain)
        self._found[name] = found
        return found


BLOCKS = Registry("network/blocks", "block")
STEMS = Registry("network/stems", "stem")
HEADS = Registry("network/heads", "head")
DATA = Registry("data", "data set")
OBJECTIVES = Registry("evaluation/objectives", "objective")
SAMPLERS = Registry("engine/samplers", "sampler")
PRUNERS = Registry("engine/pruners", "pruner")
EXECUTORS = Registry("engine/executors", "executor")
SCORES = Registry("evaluation/zero_cost", "score")
TARGETS = Registry("costs/targets", "target")
TASKS = Registry("training/tasks", "task")
