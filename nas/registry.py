"""Finding kinds of blocks, data sets, objectives and the like by name.

Kinds of nas itself lie in the files of a folder. A file holds one kind, named like the file, or those that its
`__all__` names as a space writes them: `__all__ = ["bottleneck", "conv"]`. The kind `mbconv` is the object `MBConv` of
its file, apart from letter case and underscores.

Installed packages offer other kinds as entry points of the registry's group, and so does a user's file
(`nas.evaluation.plugins` reads it). Listing names imports nothing; a kind is imported at its first use. A name with two
origins is refused there.
"""

import ast
import difflib
import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import cache, cached_property
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nas.errors import SettingError, UserError, brief, in_one_line, told_as

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

TYPO = 0.8  # of difflib's likeness, below which an unknown kind may well be one of the user's own
MANY = 20  # names; of more only the nearest is shown
OURS = "nas"
"""The origin of a kind that ships with nas."""


def nearest(name: str, allowed: Iterable[str]) -> str:
    """Return the allowed name that an unknown one may stand for: one that is close or holds it, or none, as "".

    The only one that begins with it comes first.
    """
    name, allowed = str(name), list(allowed)
    begun = [known for known in allowed if known.startswith(name)] if len(name) > 2 else []
    if len(begun) == 1:
        return begun[0]
    close = difflib.get_close_matches(name, allowed, n=1, cutoff=0.6)  # at 0.5 `nope` would be `knee`
    holding = sorted((known for known in allowed if name in known), key=len) if len(name) > 2 else []
    return next(iter((*close, *holding)), "")


def suggest(name: str, allowed: Iterable[str], label: Callable[[str], str] = str) -> str:
    """End a sentence about an unknown name with the nearest allowed one, and with all unless they are many.

    `label` writes a name in the list.
    """
    allowed = list(allowed)
    near = nearest(name, allowed)
    hint = f"Did you mean '{near}'? " if near else ""
    if near and len(allowed) > MANY:
        return hint.strip()
    return f"{hint}Allowed: {', '.join(map(label, allowed)) if allowed else '(none)'}."


def check_among(noun: str, name: str, allowed: Sequence[str]) -> None:
    """Raise SettingError, with the nearest name, for a name that is none of the allowed ones."""
    if name not in allowed:
        raise SettingError(f"unknown {noun} '{name}'. {suggest(name, allowed)}")


@cache
def _entry_points() -> Mapping[str, tuple["EntryPoint", ...]]:
    """Read the entry points of installed packages once, by group, without importing their kinds."""
    from importlib.metadata import entry_points  # takes 30 ms, which `nas --help` need not wait for

    found: dict[str, tuple[EntryPoint, ...]] = {}
    points = entry_points()
    for point in chain(*dict.values(points)) if isinstance(points, dict) else points:  # a dict before Python 3.12
        if point.group.startswith("nas."):
            found[point.group] = (*found.get(point.group, ()), point)
    return found


def package_of(point: "EntryPoint") -> str:
    """Name the package of an entry point as an origin, `package NAME VERSION`."""
    return f"package {point.dist.name} {point.dist.version}" if point.dist else "a package without a name"


class Registry:
    """The kinds of one folder of nas, and those of the same sort from outside.

    `contract` is the name of the class that a kind is, or is an instance of, and empty for functions and for anything
    with the right methods.
    """

    def __init__(self, folder: str, noun: str, group: str = "", contract: str = "") -> None:
        self.folder, self.noun, self.group, self.contract = folder, noun, group, contract
        self._found: dict[str, object] = {}  # a space asks for its kinds thousands of times
        self._added: dict[str, str] = {}  # the file of each kind that a file offers

    def __reduce__(self) -> "tuple[Callable[[str], Registry], tuple[str]]":
        return registry_of, (self.noun,)  # the process that unpickles it has kinds of its own

    def names(self) -> list[str]:
        """List every kind, sorted, without importing any."""
        return sorted({*self._homes, *self._points, *self._added})

    def at_hand(self) -> list[str]:
        """List the kinds of nas and of loaded files, sorted, without those of packages."""
        return sorted({*self._homes, *self._added})

    def sound(self) -> Mapping[str, Any]:
        """Return the kinds by name, without those that cannot be imported or that several origins offer."""
        found = {}
        for name in self.names():
            with suppress(SettingError):
                found[name] = self.get(name)
        return found

    def origin(self, name: str) -> str:
        """Return a kind's origin: `nas`, `package NAME VERSION` or a file. Raises SettingError for an unknown one."""
        self.check(name)
        return self.origins(name)[0]

    def label(self, name: str) -> str:
        """Write a name with its origin unless that is nas, such as `convnext (my-blocks 1.0)`."""
        outside = [origin.removeprefix("package ") for origin in self.origins(name) if origin != OURS]
        return f"{name} ({', '.join(outside)})" if outside else name

    def check(self, name: str, error: type[UserError] = SettingError) -> None:
        """Raise `error` for an unknown kind, with the nearest name, and for one with several origins, naming them."""
        if not isinstance(name, str):
            raise error(f"{self.noun}: found {brief(name)}; write a name")
        origins = self.origins(name)
        if not origins:
            known = difflib.get_close_matches(name, self.names(), n=1, cutoff=TYPO)
            a = "An" if self.noun[0] in "aeiou" else "A"
            own = "" if known else f" {a} {self.noun} of your own comes with --plugins FILE."
            raise error(f"unknown {self.noun} '{name}'. {suggest(name, self.names(), self.label)}{own}")
        if len(origins) > 1:
            raise error(f"{self.noun} '{name}' is offered by {' and by '.join(origins)}; uninstall a package or "
                        "rename its kind")  # fmt: skip

    def get(self, name: str) -> Any:
        """Return a kind. Raises SettingError for an unknown one, and for one that cannot be imported."""
        if isinstance(name, str) and name in self._found:
            return self._found[name]
        self.check(name)
        if name in self._homes:
            module = importlib.import_module(f"nas.{self.folder.replace('/', '.')}.{self._homes[name]}")
            found = named(name, vars(module))
        else:
            found = self._load(self._points[name][0])
        self._found[name] = found
        return found

    def add(self, name: str, kind: object, origin: str) -> None:
        """Add a kind of a file. Raises SettingError where another has its name."""
        if others := self.origins(name):
            raise SettingError(f"{origin}: {self.noun} '{name}' is already in {' and '.join(others)}; rename it, "
                               "in __all__ too")  # fmt: skip
        self._found[name], self._added[name] = kind, origin

    def remove(self, name: str) -> None:
        """Undo `add`."""
        del self._found[name], self._added[name]

    def origins(self, name: str) -> list[str]:
        """List the origins of a name, of which more than one is a clash."""
        ours = [OURS] if name in self._homes else []
        files = [self._added[name]] if name in self._added else []
        return [*ours, *sorted(map(package_of, self._points.get(name, ()))), *files]

    def telling(self, name: str, hook: str = "", *, direct: bool = True) -> AbstractContextManager[None]:
        """Tell by its name, as `told_as` does, that a kind from outside failed. Those of nas fail as they are."""
        if self.origins(name) == [OURS]:
            return nullcontext()
        return told_as(f"{hook} of {self.noun} '{name}'" if hook else f"{self.noun} '{name}'", direct=direct)

    def _load(self, point: "EntryPoint") -> Any:
        """Import the kind of an entry point."""
        kind = f"{self.noun} '{point.name}' of {package_of(point)}"
        try:
            found = point.load()
        except (Exception, SystemExit) as error:
            raise SettingError(f"{kind} cannot be imported: entry point {point.value}: {in_one_line(error)}; mend or "
                               "uninstall the package") from error  # fmt: skip
        line = found.__mro__ if isinstance(found, type) else type(found).__mro__
        if self.contract not in ("", *(base.__name__ for base in line)):
            raise SettingError(f"{kind}: entry point {point.value} is a {type(found).__name__}, not a {self.contract}")
        return found

    @cached_property
    def _homes(self) -> dict[str, str]:
        """The module of each kind of nas."""
        files = (Path(__file__).parent / self.folder).glob("[!_]*.py")
        return {kind: path.stem for path in files for kind in _kinds(path)}

    @cached_property
    def _points(self) -> dict[str, list["EntryPoint"]]:
        """The entry points of each kind of a package."""
        points: dict[str, list[EntryPoint]] = {}
        for point in _entry_points().get(self.group, ()):
            points.setdefault(point.name, []).append(point)
        return points


def named(name: str, module: Mapping[str, Any]) -> Any:
    """Return a module's object called `name`, or the same apart from letter case and underscores, as a class is.

    Raises KeyError for a module without one.
    """
    plain = name.lower().replace("_", "")
    same = [v for k, v in module.items() if k[:1] != "_" and k.lower().replace("_", "") == plain]
    return module[name] if name in module or not same else same[0]


def _kinds(path: Path) -> Iterator[str]:
    """Read the names of a file's kinds without running it."""
    text = path.read_text(encoding="utf-8")
    if "\n__all__ = " not in text:  # parsing takes a hundred times as long as looking
        yield path.stem
        return
    for line in ast.parse(text).body:
        if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == "__all__":
            yield from ast.literal_eval(line.value)


BLOCKS = Registry("network/blocks", "block", "nas.blocks", "Block")
STEMS = Registry("network/stems", "stem", "nas.stems", "Stem")
HEADS = Registry("network/heads", "head", "nas.heads", "Head")
DATA = Registry("data/sets", "data set", "nas.data")
OBJECTIVES = Registry("evaluation/objectives", "objective", "nas.objectives", "Objective")
SAMPLERS = Registry("engine/samplers", "sampler", "nas.samplers")
EXECUTORS = Registry("engine/executors", "executor", "nas.executors")
SCORES = Registry("evaluation/zero_cost", "score", "nas.scores")
TARGETS = Registry("costs/targets", "target", "nas.targets", "Target")
TASKS = Registry("training/tasks", "task", "nas.tasks", "Task")
FORMATS = Registry("report/formats", "format", "nas.formats", "Format")
TRACKERS = Registry("record/trackers", "tracker", "nas.trackers", "Tracker")

ALL = (BLOCKS, STEMS, HEADS, DATA, OBJECTIVES, SAMPLERS, EXECUTORS, SCORES, TARGETS, TASKS, FORMATS, TRACKERS)


def registry_of(noun: str) -> Registry:
    """Return the registry of one sort of kinds, by its noun."""
    return next(registry for registry in ALL if registry.noun == noun)


def from_outside() -> list[tuple[str, str, str]]:
    """List noun, name and origin of every kind from outside nas, without importing any."""
    return [
        (registry.noun, name, origin)
        for registry in ALL
        for name in registry.names()
        for origin in registry.origins(name)
        if origin != OURS
    ]


FILE_TARGET = "file:"
"""The prefix, before a path, of a device that was measured elsewhere."""


def device_file(target: str) -> Path | None:
    """Return the file of a device that was measured elsewhere, or None for a target of this machine."""
    return Path(target.removeprefix(FILE_TARGET)) if target.startswith(FILE_TARGET) else None


def target_text(name: str) -> str:
    """Write the name of a target or a format as commands do, `cpu-compiled`."""
    return name.replace("_", "-")


def target_name(text: str) -> str:
    """Read `cpu-compiled` as the target `cpu_compiled`, and `file:PATH` as a device described by a file.

    Raises SettingError for another text.
    """
    if text.startswith(FILE_TARGET):
        if not text.removeprefix(FILE_TARGET):
            raise SettingError("target file: names no file; write file:mydevice.yaml")
        return text
    if not (name := _meant(text, TARGETS)):
        allowed = [*map(target_text, TARGETS.names()), "file:mydevice.yaml"]
        raise SettingError(f"unknown target '{text}'. {suggest(text, allowed, _target_label)}")
    return name


def format_name(text: str) -> str:
    """Read `onnx-int8` as the format `onnx_int8`. Raises SettingError, with the nearest name, for an unknown one."""
    if not (name := _meant(text, FORMATS)):
        raise SettingError(f"unknown format '{text}'. {suggest(text, map(target_text, FORMATS.names()))}")
    return name


def _meant(text: str, registry: Registry) -> str:
    """Name the kind that a text of a command means, whose dashes may stand for underscores, or return an empty text."""
    return next((name for name in registry.names() if target_text(name) == target_text(text.strip())), "")


def _target_label(text: str) -> str:
    name = _meant(text, TARGETS)
    return text + TARGETS.label(name).removeprefix(name)
