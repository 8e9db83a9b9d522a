"""Load kinds from outside nas, and take them along to where trials run.

A plug-in file names its kinds in `__all__` as a space writes them, or holds one named like the file, as the files of
nas do. It runs once a process, as the module `nas_plugin_` and its name.
"""

import hashlib
import importlib.util
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib.abc import InspectLoader
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, Generic, TypeVar

from nas.errors import PLUGIN, NasError, SettingError, in_one_line
from nas.files import quoted
from nas.registry import TASKS, named, registry_of
from nas.settings import plugin_paths
from nas.training.catalogue import check_metrics_alike

Answer = TypeVar("Answer")
MODULE = "nas_plugin_"
MAX_BYTES = 1_000_000  # a device may have no end
DIGITS = 10  # of a hash in messages


@dataclass(frozen=True)
class PluginFile:
    """A plug-in file: its path as the user wrote it, and its bytes."""

    path: str
    data: bytes = field(repr=False)

    @property
    def name(self) -> str:
        """The file's name without its folder."""
        return Path(self.path).name

    @property
    def sha256(self) -> str:
        """The hash of its bytes, in hexadecimal."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def module(self) -> str:
        """The name of the module that it becomes, the same in every process."""
        return MODULE + re.sub(r"\W", "_", Path(self.path).stem)


def load_plugins(*paths: str | Path) -> tuple[PluginFile, ...]:
    """Load plug-in files, unless they are, so that spaces and settings may name their kinds.

    Raises SettingError with file and line for a file that cannot be read or run, that names no kind or something that
    is none, and for a kind whose name another origin has.
    """
    loaded = tuple(read_plugin(path) for given in paths for path in plugin_paths(given))
    for plugin in loaded:
        load(plugin)
    return loaded


def loaded_plugins() -> tuple[PluginFile, ...]:
    """Return the plug-in files that this process has loaded."""
    return tuple(vars(module)[PLUGIN] for name, module in [*sys.modules.items()] if name.startswith(MODULE))


def read_plugin(path: str | Path) -> PluginFile:
    """Read a plug-in file. Raises SettingError when it cannot be read."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123  (pathlib raises for a NUL)
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise SettingError(f"--plugins {path}: cannot be read ({why}); write the path of a Python file") from None
    if len(data) > MAX_BYTES:
        raise SettingError(f"--plugins {path}: larger than {MAX_BYTES:,} bytes; write the path of a Python file")
    return PluginFile(str(path), data)


def load(plugin: PluginFile) -> None:
    """Run a plug-in file and register its kinds, unless that is done. Raises as `load_plugins` does."""
    known = sys.modules.get(plugin.module)
    if known is not None:
        before: PluginFile = vars(known)[PLUGIN]
        if before.sha256 == plugin.sha256:
            return
        raise SettingError(
            f"{plugin.path} (sha256 {plugin.sha256[:DIGITS]}): {before.path} of the same name and another content "
            f"({before.sha256[:DIGITS]}) is loaded; use them in two processes, or rename one that no run has copied"
        )
    module = _run(plugin)
    added: list[tuple[str, str]] = []
    try:
        for name, kind, noun in _kinds(plugin, module):
            registry_of(noun).add(name, kind, plugin.path)
            added.append((noun, name))
            if noun == TASKS.noun:
                check_metrics_alike(name)
    except BaseException:
        del sys.modules[plugin.module]
        for noun, name in added:
            registry_of(noun).remove(name)
        raise


class _Loader(InspectLoader):
    """Makes a module of a file's bytes, so that tracebacks show its lines even where the file is gone."""

    def __init__(self, plugin: PluginFile) -> None:
        self.plugin = plugin

    def get_source(self, fullname: str) -> str:
        """Decode the file. Raises SyntaxError or UnicodeDecodeError if it is no text."""
        return importlib.util.decode_source(self.plugin.data)

    def get_code(self, fullname: str) -> CodeType:
        """Compile the file, with its path for errors to name."""
        return compile(self.get_source(fullname), self.plugin.path, "exec", dont_inherit=True)


def _run(plugin: PluginFile) -> ModuleType:
    spec = importlib.util.spec_from_loader(plugin.module, _Loader(plugin), origin=plugin.path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    vars(module).update({PLUGIN: plugin, "__file__": plugin.path})
    sys.modules[plugin.module] = module  # classes are pickled by its name
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        del sys.modules[plugin.module]
        if isinstance(error, Exception | SystemExit):
            raise SettingError(_explained(plugin, error)) from error
        raise
    return module


def _explained(plugin: PluginFile, error: BaseException) -> str:
    """Describe an error of a running file in one line, with the line number in the file."""
    if isinstance(error, SyntaxError | UnicodeDecodeError):
        where = f":{error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        reason = error.msg if isinstance(error, SyntaxError) else error.reason
        return f"{plugin.path}{where}: not Python: {reason}"
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == plugin.path]
    where = f":{lines[-1]}" if lines else ""
    return f"{plugin.path}{where}: cannot be run: {in_one_line(error)}"


def _kinds(plugin: PluginFile, module: ModuleType) -> Iterable[tuple[str, Any, str]]:
    """Yield name, object and noun of each kind of a file. Raises SettingError for anything else that it names."""
    from nas.evaluation.kinds import classify  # needs torch

    stem, names = Path(plugin.path).stem, vars(module).get("__all__")
    if names is None:
        names = [stem] if _has(module, stem) else []
    if not isinstance(names, list | tuple) or not all(isinstance(n, str) and n.isidentifier() for n in names):
        raise SettingError(f'{plugin.path}: __all__ is {names!r}; write a list of names: __all__ = ["my_block"]')
    if not names:
        raise SettingError(f'{plugin.path}: offers no kind; name those that it defines: __all__ = ["my_block"]')
    for name in dict.fromkeys(names):
        if not _has(module, name):
            raise SettingError(f"{plugin.path}: __all__ names '{name}', which the file does not define")
        kind = named(name, vars(module))
        try:
            noun = classify(kind)
        except SettingError as error:
            raise SettingError(f"{plugin.path}: '{name}': {error}") from None
        yield name, kind, noun


def _has(module: ModuleType, name: str) -> bool:
    try:
        named(name, vars(module))
    except KeyError:
        return False
    return True


@dataclass(frozen=True)
class Outside:
    """The files and packages that a search uses from outside nas, packages with their versions by name.

    Unpickling loads its files, before anything pickled after it. An error of that is kept in `failure`, for the
    function that needs them to raise.
    """

    files: tuple[PluginFile, ...] = ()
    packages: Mapping[str, str] = field(default_factory=dict)
    failure: NasError | None = None

    def __reduce__(self) -> "tuple[Callable[..., Outside], tuple[object, ...]]":
        return _arrive, (self.files, dict(self.packages))

    def load(self) -> None:
        """Load the files. Raises SettingError as `load_plugins` does, and for a package that is not installed here."""
        for name, wanted in self.packages.items():
            if installed(name) is None:
                raise SettingError(f"the package {name} {wanted}, whose kinds this search uses, is not installed here; "
                                   f"write: pip install {name}=={wanted}")  # fmt: skip
        for plugin in self.files:
            load(plugin)

    def carry(self, function: Callable[..., Answer]) -> "Carried[Answer]":
        """Make of a function one that takes all this along to another process."""
        return Carried(self, function)


def _arrive(files: tuple[PluginFile, ...], packages: Mapping[str, str]) -> Outside:
    outside = Outside(files, packages)
    try:
        outside.load()
    except NasError as error:
        return Outside(files, packages, error)
    return outside


@dataclass(frozen=True)
class Carried(Generic[Answer]):
    """A function and what it needs from outside nas, which comes first and so is unpickled first."""

    outside: Outside
    function: Callable[..., Answer]

    def __call__(self, *arguments: Any) -> Answer:
        """Call the function. Raises SettingError if what it needs could not be loaded here."""
        if self.outside.failure:
            raise self.outside.failure
        return self.function(*arguments)


def installed(package: str) -> str | None:
    """Return the version of an installed package, or None."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def plugin_flags(plugins: Iterable[object]) -> str:
    """Write the options that name plug-in files, to append to a command."""
    return "".join(f" --plugins {quoted(str(path))}" for path in plugins)
