"""What was learnt of this machine, kept for the next run: small JSON files in the user's cache folder.

The folder is `$NAS_CACHE`, else `nas` in `$XDG_CACHE_HOME`, else `~/.cache/nas`; it may be deleted at any time.
"""

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from nas import document


def folder() -> Path:
    """Where the files lie."""
    if own := os.environ.get("NAS_CACHE"):
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nas"


def read(kind: str, key: dict[str, Any]) -> dict[str, Any] | None:
    """What was written under a key; None when nothing was, or when the file is damaged."""
    with suppress(OSError, ValueError):
        data = json.loads(_path(kind, key).read_text(encoding="utf-8"))
        if isinstance(data, dict) and data.get("key") == _plain(key) and isinstance(data.get("value"), dict):
            return dict(data["value"])
    return None


def write(kind: str, key: dict[str, Any], value: dict[str, Any]) -> None:
    """Keep a value, whole or not at all; a folder that cannot be written keeps nothing."""
    path = _path(kind, key)
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        document.write(path, json.dumps({"key": _plain(key), "value": value}, indent=1) + "\n")


def _path(kind: str, key: dict[str, Any]) -> Path:
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]
    return folder() / kind / f"{digest}.json"


def _plain(key: dict[str, Any]) -> dict[str, Any]:
    """The key as JSON gives it back."""
    plain: dict[str, Any] = json.loads(json.dumps(key))
    return plain
