"""Writing a file or a folder whole or not at all, the names of files as text, and the one cache folder.

The cache folder is `$NAS_CACHE`, else `nas` in `$XDG_CACHE_HOME`, else `~/.cache/nas`. It may be deleted at any time;
without it nothing is kept.
"""

import errno
import hashlib
import json
import keyword
import os
import re
import secrets
import shlex
import stat
import string
import sys
import tempfile
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

from nas.errors import NasError, RunError, SettingError

Json = dict[str, Any]
"""An object of JSON or YAML: plain data at the edge of the package."""
NO_TEXT = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
PLAIN = string.ascii_letters + string.digits + "%+,-./:=@_ "
HALF_WRITTEN = re.compile(r"\..+\.[0-9a-f]{8}")
HOMELESS = "nas-home-"
SPECIAL = "it is a pipe or a device"
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""What a disk that is full or fails says, which is no fault of the path."""


def is_special(path: Path) -> bool:
    """Tell whether a path is that of a pipe, a device or the like."""
    return path.exists() and not (path.is_file() or path.is_dir())


def _behind(path: Path) -> Path:
    """Return what a link leads to, another path itself."""
    return Path(os.path.realpath(path)) if path.is_symlink() else path


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a new file that replaces `path`, or what this links to, once it is on disk, or vanishes on an error.

    Raises OSError, also for a pipe or a device, which must stay what it is.
    """
    if is_special(path):
        raise OSError(errno.EINVAL, SPECIAL, str(path))
    place = _behind(path)
    temporary = place.with_name(f".{place.name}.{secrets.token_hex(4)}")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(place)
    except BaseException as error:
        with suppress(OSError):  # on a disk that may only be read
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename == str(temporary):
            error.filename = str(path)  # which messages name
        raise


def sweep(folder: Path) -> None:
    """Delete what killed processes were writing into a folder by `replacing`."""
    for path in folder.glob(".*"):
        if HALF_WRITTEN.fullmatch(path.name):
            with suppress(OSError):
                path.unlink()


@contextmanager
def making(folder: Path) -> Iterator[Path]:
    """Give a new folder beside that becomes `folder` at the end, or vanishes on an error. Raises OSError."""
    with suppress(FileExistsError):
        folder.parent.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix=".nas-", dir=folder.parent) as beside:
        made = Path(beside) / folder.name
        made.mkdir()  # has the user's usual permissions, as the one around it has not
        yield made
        made.rename(folder)


def write(path: Path, text: str) -> None:
    """Write a text file whole or not at all. Raises OSError.

    A byte of a file's name that is no UTF-8 becomes `\\udcfc`, which JSON and YAML read back as that byte.
    """
    with replacing(path) as file:
        file.write(text.encode(errors="backslashreplace"))


@contextmanager
def writing(path: Path, remedy: str = "") -> Iterator[None]:
    """Raise what `unwritable` makes where the block cannot write `path`."""
    try:
        yield
    except OSError as error:
        raise unwritable(path, error, remedy) from None


def unwritable(path: Path | str, error: OSError, remedy: str = "") -> NasError:
    """Make the error of a path that cannot be written: SettingError, or RunError where the disk is full or fails."""
    kind = RunError if error.errno in FULL else SettingError
    return kind(f"{path}: cannot be written ({error.strerror or error}){remedy and f'; {remedy}'}")


def readable(name: str) -> str:
    """Write a file's name so that everything can show it, with `\\xfc` for what is no text or moves the cursor."""
    return NO_TEXT.sub(_escaped, name)


def visible(text: str) -> str:
    """Write a text of one or more lines in the same way."""
    return "\n".join(map(readable, text.split("\n")))


def _escaped(found: re.Match[str]) -> str:
    code = ord(found[0])
    byte = code - 0xDC00 if 0xDC80 <= code <= 0xDCFF else code  # as os.fsdecode wrote it
    return f"\\x{byte:02x}" if byte < 0x100 else f"\\u{byte:04x}"


def check_around(path: Path) -> None:
    """Raise SettingError where no file can be written to a path.

    The folder around it is closed or missing, and none is made for a misspelt one, or it is a pipe or a device.
    """
    folder = _behind(path).parent
    if not folder.is_dir():
        raise SettingError(f"{path}: the folder {folder} does not exist; make it first")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise SettingError(f"{path}: cannot be written ({os.strerror(errno.EACCES)}); choose another place")
    if is_special(path):
        raise SettingError(f"{path}: cannot be written ({SPECIAL}); choose another place")


def check_place(path: Path, force: bool, example: str = "best.yaml") -> None:
    """Raise SettingError when no file may be written to `path`, as it exists, is a folder, or has none around it."""
    if path.is_dir():
        raise SettingError(f"{path} is a folder; name a file in it, such as {path / example}")
    check_around(path)
    if path.exists() and not force:
        raise SettingError(f"{path} exists already; take another name, or replace it with --force")


def quoted(name: str | Path) -> str:
    """Quote the name of a file or a run for a shell, so that it is not taken for an option either."""
    text = f"./{name}" if str(name).startswith("-") else str(name)
    if not NO_TEXT.search(text):
        return shlex.quote(text)
    return "$'" + "".join(chr(b) if chr(b) in PLAIN else f"\\x{b:02x}" for b in os.fsencode(text)) + "'"


def module_name(stem: str) -> str:
    """Return the nearest name that an import statement takes, the name itself where it does."""
    stem = unicodedata.normalize("NFKC", stem)  # as import statements do
    name = re.sub(r"\W+", "_", stem).strip("_") if not stem.isidentifier() else stem
    free = name.isidentifier() and not keyword.iskeyword(name) and name not in _modules()
    return name if free else f"net_{name}".rstrip("_")


@cache
def _modules() -> frozenset[str]:
    """Return the names of modules that a file of the same name would hide: Python's and those of packages."""
    from importlib.metadata import packages_distributions  # takes a while

    return frozenset({"nas", *sys.stdlib_module_names, *packages_distributions()})


def is_module(stem: str) -> bool:
    """Tell whether an import statement takes a file's name."""
    return module_name(stem) == stem


def check_importable(stem: str) -> None:
    """Raise SettingError for a name that `import_module` does not take, no docstring can show, or a module has."""
    if not stem.isprintable() or {*stem} & {*"""."\\"""}:
        raise SettingError(f"{stem!a}: Python cannot import a file of this name, which has dots, quotes or signs that "
                           f"cannot be printed; take {module_name(stem)}.py")  # fmt: skip
    if stem in _modules():
        raise SettingError(f"{stem}.py: hides the module {stem} from itself and from all that runs beside it; take "
                           f"{module_name(stem)}.py")  # fmt: skip


def search_path() -> str:
    """Return what a child needs as PYTHONPATH to find the modules that this process does."""
    return os.pathsep.join(path for path in sys.path if path and isinstance(path, str))  # Python passes over others


def home() -> Path:
    """Return the user's home, or for a user without one a folder of that user's alone among the temporary files."""
    known = os.path.expanduser("~")  # noqa: PTH111 (never raises)
    if known != "~":
        return Path(known)
    made = Path(tempfile.gettempdir()) / f"{HOMELESS}{os.getuid()}"
    with suppress(OSError):
        made.mkdir(mode=0o700)
    found = made.lstat() if os.path.lexists(made) else None
    if found and stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid():
        return made
    return _passing_home()


@cache
def _passing_home() -> Path:
    """Make a folder for this process where that of the user is another's."""
    return Path(tempfile.mkdtemp(prefix=HOMELESS))


def cache_folder() -> Path:
    """Return the one folder for data kept from run to run."""
    own, users = os.environ.get("NAS_CACHE"), os.environ.get("XDG_CACHE_HOME")
    if own:
        return Path(os.path.expanduser(own))  # noqa: PTH111  (pathlib raises for names without a home)
    return Path(users or home() / ".cache") / "nas"


def cache_remark() -> str:
    """Say where what is kept from run to run lies if not where one looks, or why nothing is kept, or nothing."""
    folder = cache_folder()
    above = next((path for path in (folder, *folder.parents) if os.path.lexists(path)), Path())
    if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
        why = "closed to you" if above.is_dir() else "not a folder"
        return f"nothing is kept from run to run, as {above} is {why}; choose a folder by NAS_CACHE"
    if any(part.startswith(HOMELESS) for part in folder.parts):
        return f"this user has no home: what is kept from run to run lies in {folder}; choose a folder by NAS_CACHE"
    return ""


@contextmanager
def caching(file: Path) -> Iterator[BinaryIO]:
    """Open a file of the cache to be written whole or not at all. Raises OSError where the folder cannot be made."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with replacing(file) as stream:
        yield stream


def recall(kind: str, key: Json) -> Json | None:
    """Return the value kept under a key, None when it is missing or its file is damaged."""
    with suppress(OSError, ValueError, RecursionError):
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
