"""Writing a file whole or not at all, and the one cache folder.

The cache folder is `$NAS_CACHE`, else `nas` in `$XDG_CACHE_HOME`, else `~/.cache/nas`. It may be deleted at any time,
and where it cannot be made nothing is kept.
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
    """A new file that takes the place of `path` once it is written and on disk; nothing is left of it otherwise."""
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
    """The one folder of all that is kept from run to run."""
    own, users = os.environ.get("NAS_CACHE"), os.environ.get("XDG_CACHE_HOME")
    return Path(own) if own else Path(users or os.path.expanduser("~/.cache")) / "nas"  # noqa: PTH111 (never raises)


@contextmanager
def caching(file: Path) -> Iterator[BinaryIO]:
    """A file of the cache to write, whole or not at all. Raises OSError where the folder cannot be made."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with replacing(file) as stream:
        yield stream


def recall(kind: str, key: Json) -> Json | None:
    """The value that was kept under a key; None when there is none or its file is damaged."""
    with suppress(OSError, ValueError):
        data = json.loads(_path(kind, key).read_text(encoding="utf-8"))
        if isinstance(data, dict) and data.get("key") == _plain(key) and isinstance(data.get("value"), dict):
            return dict(data["value"])
    return None


def keep(kind: str, key: Json, value: Json) -> None:
    """Keep a value as JSON in the cache's folder `kind`, or do nothing where that cannot be written."""
    text = json.dumps({"key": _plain(key), "value": value}, indent=1) + "\n"
    with suppress(OSError), caching(_path(kind, key)) as file:
        file.write(text.encode())


def _path(kind: str, key: Json) -> Path:
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]
    return cache_folder() / kind / f"{digest}.json"


def _plain(key: Json) -> Json:
    """The key as JSON gives it back."""
    plain: Json = json.loads(json.dumps(key))
    return plain
