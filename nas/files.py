"""Writing a file whole or not at all, and the one cache folder.

The cache folder is `$NAS_CACHE`, else `nas` in `$XDG_CACHE_HOME`, else `~/.cache/nas`. It may be deleted at any time;
without it nothing is kept.
"""

import hashlib
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

Json = dict[str, Any]
"""An object of JSON or YAML: plain data at the edge of the package."""


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a new file that replaces `path` once it is on disk, or vanishes on an error. Raises OSError."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write(path: Path, text: str) -> None:
    """Write a text file whole or not at all. Raises OSError."""
    with replacing(path) as file:
        file.write(text.encode())


def cache_folder() -> Path:
    """Return the one folder for data kept from run to run."""
    own, users = os.environ.get("NAS_CACHE"), os.environ.get("XDG_CACHE_HOME")
    return Path(own) if own else Path(users or os.path.expanduser("~/.cache")) / "nas"  # noqa: PTH111 (never raises)


@contextmanager
def caching(file: Path) -> Iterator[BinaryIO]:
    """Open a file of the cache to be written whole or not at all. Raises OSError where the folder cannot be made."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with replacing(file) as stream:
        yield stream


def recall(kind: str, key: Json) -> Json | None:
    """Return the value kept under a key, None when it is missing or its file is damaged."""
    with suppress(OSError, ValueError):
        data = json.loads(_path(kind, key).read_text(encoding="utf-8"))
        if isinstance(data, dict) and data.get("key") == _plain(key) and isinstance(data.get("value"), dict):
            return dict(data["value"])
    return None


def keep(kind: str, key: Json, value: Json) -> None:
    """Keep a value as JSON in the cache's folder `kind`, if that can be written."""
    text = json.dumps({"key": _plain(key), "value": value}, indent=1) + "\n"
    with suppress(OSError), caching(_path(kind, key)) as file:
        file.write(text.encode())


def _path(kind: str, key: Json) -> Path:
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]
    return cache_folder() / kind / f"{digest}.json"


def _plain(key: Json) -> Json:
    """Return the key as JSON reads it back."""
    plain: Json = json.loads(json.dumps(key))
    return plain
