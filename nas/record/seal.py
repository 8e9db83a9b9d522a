"""What a run must find again at its next start: `seal.json`, written in the folder as the run begins.

It has the settings and the space, or the network, as they were, the fingerprint of the data, the networks to start
from, and the names of the files that the folder began with. A folder without a seal is an older one, of which only what
is known is checked.
"""

import json
from collections.abc import Collection, Container, Mapping
from pathlib import Path
from typing import Any

from nas import files
from nas.errors import RunError, SettingError
from nas.files import Json

SEAL = "seal.json"
ABSENT = "nothing"


def write_seal(folder: Path, facts: Json) -> None:
    """Seal a folder that has all its files but that of the settings. Raises OSError."""
    kept = sorted(path.name for path in folder.iterdir())
    files.write(folder / SEAL, json.dumps({"files": kept, **facts}, indent=1) + "\n")


def read_seal(folder: Path) -> Json:
    """Read what a folder began with, nothing of an older one.

    Raises RunError for a damaged seal, and for a file that the folder began with and has no more.
    """
    path = folder / SEAL
    if not path.exists():
        return {}
    try:
        seal: Json = dict(json.loads(path.read_text(encoding="utf-8-sig")))
        kept = [str(name) for name in seal["files"]]
        dict(seal.get("settings", {}))
    except OSError as error:
        raise RunError(f"{path}: cannot be read ({error.strerror})") from None
    except (ValueError, TypeError, KeyError):
        raise RunError(f"{path}: damaged; restore it, or delete it to go on unchecked") from None
    for name in kept:
        if not (folder / name).exists():
            raise RunError(f"{folder / name}: missing; {folder} began with it: put it back, or begin anew")
    return seal


def check_same(path: Path, was: Json, now: Json, free: Container[str] = ()) -> None:
    """Raise SettingError that names the first value in a file that is not the one that its folder began with.

    `free` names the values, at the top, that may change between starts.
    """
    if changed := first_change(was, now, free):
        key, then, found = changed
        raise SettingError(f"{path}: {key}: found {found}; {path.parent} began with {then}. Write that back, or begin "
                           "anew with the change")  # fmt: skip


def check_free(settings: Mapping[str, Any], known: Container[str], free: Collection[str]) -> None:
    """Raise SettingError for a known setting that must stay what it is between two starts, and for an empty text."""
    for name, value in settings.items():
        if name in known and name not in free:
            raise SettingError(f"{name}: must stay what it is; these may change between two starts: {', '.join(free)}")
        if isinstance(value, str) and not value:
            raise SettingError(f"{name}: found an empty text; write one, or leave it out")


def first_change(was: Json, now: Json, free: Container[str] = ()) -> tuple[str, str, str] | None:
    """Return the first key whose value is another now, with the value then and now in words. None where all are same.

    `free` names the values, at the top, that may differ.
    """
    before, after = (_flat({k: v for k, v in values.items() if k not in free}) for values in (was, now))
    for key in (*before, *after):
        then, found = before.get(key, ABSENT), after.get(key, ABSENT)
        if then != found:
            return key, shown(then), shown(found)
    return None


def _flat(values: object, key: str = "") -> Json:
    """Bring nested values to one level, with dotted keys. Lists of plain values stay whole."""
    if isinstance(values, dict):
        inner = list(values.items())
    elif isinstance(values, list | tuple) and any(isinstance(value, dict) for value in values):
        inner = list(enumerate(values))
    else:
        return {key: list(values) if isinstance(values, tuple) else values}
    return {k: v for name, value in inner for k, v in _flat(value, f"{key}.{name}" if key else str(name)).items()}


def shown(value: object) -> str:
    """Write a setting's value in one line."""
    if value in (None, [], ""):
        return "none"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
