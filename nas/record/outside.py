"""What a run keeps of the kinds from outside nas: its files' copies with their hashes, its packages' versions.

Opening a run runs the kept copies of its plug-in files, and no others.
"""

import json
import os
from pathlib import Path

from nas import files
from nas.config import SearchConfig
from nas.errors import RunError, SettingError
from nas.evaluation.plugins import DIGITS, Outside, PluginFile, installed, load, load_plugins, read_plugin
from nas.files import Json
from nas.registry import DATA, EXECUTORS, OBJECTIVES, PRUNERS, SAMPLERS, SCORES, TARGETS, TASKS
from nas.space.space import SearchSpace, slots

NOTE, COPIES = "plugins.json", "plugins"


def outside_of(config: SearchConfig, space: SearchSpace) -> Outside:
    """What a search uses from outside nas: its plug-in files, and the packages whose kinds settings or space name."""
    origins = [origin for _, slot in slots(space) for kind in slot.kinds for origin in slot.registry.origins(kind)]
    origins += [*SAMPLERS.origins(config.sampler), *PRUNERS.origins(config.pruner), *TASKS.origins(config.task)]
    origins += [*DATA.origins(config.data.partition(":")[0]), *EXECUTORS.origins(config.executor)]
    origins += TARGETS.origins(config.target)
    for name in (*config.objectives, *config.maximum, *config.minimum):
        origins += OBJECTIVES.origins(name)
    for name in (*config.scores, *config.prefilter):
        origins += SCORES.origins(name)
    packages = [origin.split() for origin in sorted(set(origins)) if origin.startswith("package ")]
    return Outside(load_plugins(*config.plugins), {name: version for _, name, version in packages})


def keep_outside(folder: Path, outside: Outside) -> None:
    """Write into a run's folder what its search uses from outside nas, if it uses any. Raises OSError."""
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
    """Load what a run uses from outside nas: its own copies of plug-in files.

    Raises RunError where one was changed or is gone, SettingError for a package that is not installed.
    """
    note = _note(folder)
    outside = Outside(tuple(_copy(folder, kept) for kept in note.get("files", [])), note.get("packages", {}))
    try:
        outside.check()
        for plugin in outside.files:
            load(plugin)
    except SettingError as error:
        raise SettingError(f"{folder}: {error}") from None
    return outside


def load_beside(path: Path) -> None:
    """Load the same for a file of a run: its best network, or one of its front."""
    for folder in (path.parent, path.parent.parent):
        if os.path.isfile(folder / NOTE):  # noqa: PTH113  (pathlib raises for names that are too long)
            load_outside(folder)
            return


def check_unchanged(folder: Path) -> list[str]:
    """Packages that are of another version than when the search began, a line each.

    Raises SettingError where a plug-in file, which its run kept a copy of, was changed since.
    """
    note = _note(folder)
    for kept in note.get("files", []):
        path, copy = Path(kept["path"]), folder / COPIES / kept["name"]
        now = read_plugin(path).sha256 if path.is_file() else kept["sha256"]
        if now != kept["sha256"]:
            raise SettingError(
                f"{path}: changed since {folder} began (sha256 {kept['sha256'][:DIGITS]} then, {now[:DIGITS]} now). "
                f"To go on as it began, write: cp {copy} {path}; to use the change, begin another search"
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
