"""Keep in a run what it uses from outside nas: copies of files with their hashes, versions of packages.

Opening a run runs the kept copies of its plug-in files, and no others.
"""

import json
import os
from collections.abc import Collection, Iterable
from pathlib import Path

from nas import files
from nas.config import SearchConfig
from nas.errors import RunError, SettingError
from nas.evaluation.plugins import DIGITS, Outside, PluginFile, installed, load_plugins, loaded_plugins, read_plugin
from nas.files import Json, quoted
from nas.network.architecture import Architecture
from nas.registry import BLOCKS, DATA, EXECUTORS, HEADS, OBJECTIVES, SAMPLERS, SCORES, STEMS, TARGETS, TASKS, TRACKERS
from nas.space.space import SearchSpace, slots
from nas.training.full.settings import TrainConfig

NOTE, COPIES = "plugins.json", "plugins"


def outside_of(config: SearchConfig, space: SearchSpace) -> Outside:
    """Find what a search uses from outside nas: its plug-in files, and the packages of kinds that it names."""
    origins = [origin for _, slot in slots(space) for kind in slot.kinds for origin in slot.registry.origins(kind)]
    origins += [*SAMPLERS.origins(config.sampler), *TASKS.origins(config.task)]
    origins += [*DATA.origins(config.data.partition(":")[0]), *EXECUTORS.origins(config.executor)]
    origins += TARGETS.origins(config.target)
    for name in (*config.objectives, *config.maximum, *config.minimum):
        origins += OBJECTIVES.origins(name)
    for name in (*config.scores, *config.prefilter):
        origins += SCORES.origins(name)
    for name in config.log:
        origins += TRACKERS.origins(name)
    return Outside(_files(load_plugins(*config.plugins), origins), _packages(origins))


def outside_of_training(config: TrainConfig, network: Architecture, files: Iterable[PluginFile]) -> Outside:
    """Find what the training of a network uses from outside nas: plug-in files, and the packages of its kinds."""
    origins = [*STEMS.origins(network.stem.kind), *HEADS.origins(network.head.kind), *TASKS.origins(config.task)]
    origins += DATA.origins(config.data.partition(":")[0])
    for stage in network.stages:
        origins += BLOCKS.origins(stage.block)
    for name in config.log:
        origins += TRACKERS.origins(name)
    return Outside(_files(files, origins), _packages(origins))


def _files(given: Iterable[PluginFile], origins: Collection[str]) -> tuple[PluginFile, ...]:
    """Return the plug-in files that were given, and those loaded before that kinds come from, each name once."""
    before = (one for one in loaded_plugins() if one.path in origins)
    return tuple({one.name: one for one in (*before, *given)}.values())


def _packages(origins: Iterable[str]) -> dict[str, str]:
    """Return the versions of the packages among the origins of kinds."""
    packages = [origin.split() for origin in sorted(set(origins)) if origin.startswith("package ")]
    return {name: version for _, name, version in packages}


def keep_outside(folder: Path, outside: Outside) -> None:
    """Write what a search uses from outside nas into its run's folder, if anything. Raises OSError."""
    if not (outside.files or outside.packages):
        return
    (folder / COPIES).mkdir()
    for plugin in outside.files:
        with files.replacing(folder / COPIES / plugin.name) as file:
            file.write(plugin.data)
    kept = [{"name": plugin.name, "path": plugin.path, "sha256": plugin.sha256} for plugin in outside.files]
    note = {"files": kept, "packages": dict(outside.packages)}
    files.write(folder / NOTE, json.dumps(note, indent=1) + "\n")


def load_outside(folder: Path) -> Outside:
    """Load what a run uses from outside nas, files from its own copies.

    Raises RunError for a copy that was changed or is gone, SettingError for a package that is not installed.
    """
    note = _note(folder)
    outside = Outside(tuple(_copy(folder, kept) for kept in note.get("files", [])), note.get("packages", {}))
    try:
        outside.load()
    except SettingError as error:
        raise SettingError(f"{folder}: {error}") from None
    return outside


def load_beside(path: Path) -> None:
    """Load the same for a file in a run's folder: its best network, or one of its front."""
    for folder in (path.parent, path.parent.parent):
        if os.path.isfile(folder / NOTE):  # noqa: PTH113  (pathlib raises for names that are too long)
            load_outside(folder)
            return


def check_unchanged(folder: Path, what: str = "search") -> list[str]:
    """List packages whose versions are not those that a search, or `what` it is, began with, a line each.

    Raises SettingError if a plug-in file was changed since.
    """
    note = _note(folder)
    for kept in note.get("files", []):
        path, copy = Path(kept["path"]), folder / COPIES / kept["name"]
        now = read_plugin(path).sha256 if path.is_file() else kept["sha256"]
        if now != kept["sha256"]:
            raise SettingError(
                f"{path}: changed since {folder} began (sha256 {kept['sha256'][:DIGITS]} then, {now[:DIGITS]} now). "
                f"To go on as it began, write: cp {quoted(copy)} {quoted(path)}; to use the change, begin another "
                f"{what}"
            )
    found = {name: installed(name) for name in note.get("packages", {})}
    return [
        f"{name} is {found[name]} now and was {was} when {folder.name} began: its kinds may differ"
        for name, was in note.get("packages", {}).items()
        if found[name] != was
    ]


def _note(folder: Path) -> Json:
    path = folder / NOTE
    if not path.exists():
        return {}
    try:
        note: Json = json.loads(path.read_text(encoding="utf-8"))
        for kept in note["files"]:
            _ = kept["name"], kept["path"], kept["sha256"]
        return {"files": list(note["files"]), "packages": dict(note["packages"])}
    except (OSError, ValueError, TypeError, KeyError):
        raise RunError(f"{path}: damaged; restore it, or begin another search") from None


def _copy(folder: Path, kept: Json) -> PluginFile:
    path = folder / COPIES / kept["name"]
    try:
        plugin = read_plugin(path)
    except SettingError:
        raise RunError(f"{path}: cannot be read; restore it (sha256 {kept['sha256'][:DIGITS]})") from None
    if plugin.sha256 != kept["sha256"]:
        raise RunError(f"{path}: was changed since the run began (sha256 {kept['sha256'][:DIGITS]} then, "
                       f"{plugin.sha256[:DIGITS]} now); restore it")  # fmt: skip
    return plugin
