"""Names -> plug-ins: kinds of blocks, data sets, objectives and the like, found by name in the files of a folder.

A file holds one kind, named like the file, or those that its `__all__` names as a space writes them:
`__all__ = ["bottleneck", "conv"]`. The plug-in called `mbconv` is the object `MBConv` of its file: letter case and
underscores aside. Listing names imports nothing; a file is imported when one of its kinds is first asked for.
"""

import ast
import difflib
import importlib
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
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
        self._found: dict[str, object] = {}  # a space asks for its kinds thousands of times

    def names(self) -> list[str]:
        """Every kind there is, sorted; imports nothing."""
        return sorted(self._homes)

    def check(self, name: str, error: type[UserError] = SettingError) -> None:
        """Raise `error`, with the nearest name, unless `name` is a kind."""
        if name not in self._homes:
            raise error(f"unknown {self.noun} '{name}'. {suggest(name, self.names())}")

    def get(self, name: str) -> Any:
        """The plug-in called `name`. Raises SettingError for an unknown one."""
        if name in self._found:
            return self._found[name]
        self.check(name)
        module = importlib.import_module(f"nas.{self.folder.replace('/', '.')}.{self._homes[name]}")
        found = self._found[name] = _named(name, vars(module))
        return found

    @cached_property
    def _homes(self) -> dict[str, str]:
        """The module of each kind."""
        files = (Path(__file__).parent / self.folder).glob("[!_]*.py")
        return {kind: path.stem for path in files for kind in _kinds(path)}


def _named(name: str, module: Mapping[str, Any]) -> Any:
    """The object of a module that is called `name`, or so but for letter case and underscores, as a class is."""
    plain = name.replace("_", "")
    same = (v for k, v in module.items() if k[0] != "_" and k.lower().replace("_", "") == plain)
    return module[name] if name in module else next(same)


def _kinds(path: Path) -> Iterator[str]:
    """The kinds of a file, read without running it."""
    text = path.read_text(encoding="utf-8")
    if "\n__all__ = " not in text:  # parsing takes a hundred times as long as looking
        yield path.stem
        return
    for line in ast.parse(text).body:
        if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == "__all__":
            yield from ast.literal_eval(line.value)


BLOCKS = Registry("network/blocks", "block")
STEMS = Registry("network/stems", "stem")
HEADS = Registry("network/heads", "head")
DATA = Registry("data/sets", "data set")
OBJECTIVES = Registry("evaluation/objectives", "objective")
SAMPLERS = Registry("engine/samplers", "sampler")
PRUNERS = Registry("engine/pruners", "pruner")
EXECUTORS = Registry("engine/executors", "executor")
SCORES = Registry("evaluation/zero_cost", "score")
TARGETS = Registry("costs/targets", "target")
TASKS = Registry("training/tasks", "task")

FILE_TARGET = "file:"
"""The beginning of the name of a device that was measured elsewhere; a path follows."""


def target_text(name: str) -> str:
    """A target's name as people write it."""
    return name.replace("_", "-")


def target_name(text: str) -> str:
    """`cpu-compiled` is the target of `cpu_compiled.py`, `file:PATH` a device described by a file.

    Raises SettingError for another text.
    """
    if text.startswith(FILE_TARGET):
        if not text.removeprefix(FILE_TARGET):
            raise SettingError("target file: names no file; write file:mydevice.yaml")
        return text
    name = text.strip().replace("-", "_")
    if name not in TARGETS.names():
        allowed = [*map(target_text, TARGETS.names()), "file:mydevice.yaml"]
        raise SettingError(f"unknown target '{text}'. {suggest(text, allowed)}")
    return name
