"""The files in a folder of images. Links are followed, each folder is read once, and what is left out is named."""

import os
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from PIL import Image

from nas.files import readable

WRITTEN = frozenset({".pdf", ".palm"})  # that Pillow writes and does not read
OTHERS = frozenset({
    "__macosx", "__pycache__", "@eadir", "$recycle.bin", "#recycle", "@recycle", "system volume information",
    "lost+found", "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r",
})  # fmt: skip
"""Folders and files that systems leave among others, beside those whose names begin with a dot."""


class Tree:
    """A folder with all that is in it. `left` names what was found and left out: `cat/7.png (dead link)`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._left: dict[str, None] = {}  # a folder may be looked at twice

    @property
    def left(self) -> tuple[str, ...]:
        """What was left out so far, each with its cause."""
        return tuple(self._left)

    def leave(self, path: str | Path, cause: str) -> None:
        """Leave a file or a folder out."""
        self._left[f"{readable(os.path.relpath(path, self.root))} ({cause})"] = None

    def folders(self, folder: Path) -> list[str]:
        """List the names of the folders in a folder, sorted, without those of systems."""
        return [name for name, is_folder in self._inside(folder) if is_folder]

    def loose(self, folder: Path) -> list[str]:
        """List the names of the files in a folder, sorted, without those of systems."""
        return [name for name, is_folder in self._inside(folder) if not is_folder]

    def files(self, folders: Collection[Path], around: Iterable[Path] = ()) -> Iterator[tuple[Path, Path]]:
        """Yield all files below each of some folders in sorted order, each file with that folder.

        What links lead to is read in the one of them that it lies in, or else in the first, and not if it is `around`.
        """
        homes: dict[Path, Path] = {}
        for folder in sorted(folders, key=Path.is_symlink):
            homes.setdefault(folder.resolve(), folder)
        seen = set(map(_identity, (*around, *folders)))
        for folder in folders:
            waiting = [(folder, True)]
            while waiting:
                path, is_folder = waiting.pop()
                if not is_folder:
                    yield path, folder
                elif _home(path, homes, folder) != folder or (path != folder and _identity(path) in seen):
                    self.leave(path, "folder that is read elsewhere")
                else:
                    seen.add(_identity(path))
                    waiting += [(path / name, is_folder) for name, is_folder in reversed(self._inside(path))]

    def _inside(self, folder: Path) -> list[tuple[str, bool]]:
        """List what is in a folder, and whether it is a folder itself."""
        found = []
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.name.startswith(".") or entry.name.casefold() in OTHERS:
                        continue
                    kind = _kind(entry)
                    if kind in ("folder", "file"):
                        found.append((entry.name, kind == "folder"))
                    else:
                        self.leave(entry.path, kind)
        except OSError as error:
            self.leave(folder, f"closed folder: {error.strerror or error}")
        return sorted(found)


def is_image(name: str) -> bool:
    """Tell by its ending whether a file is an image."""
    return Path(name).suffix.lower() in Image.registered_extensions().keys() - WRITTEN


def _home(path: Path, homes: Mapping[Path, Path], folder: Path) -> Path:
    """Return the one of the `homes` that a folder lies in, itself or what it links to, or else `folder`."""
    if path != folder and not path.is_symlink():
        return folder
    place = path.resolve()
    return next((homes[each] for each in (place, *place.parents) if each in homes), folder)


def _identity(folder: Path) -> tuple[int, int]:
    """Return what tells a folder from all others, whatever links lead to it."""
    try:
        found = folder.stat()
    except OSError:
        return (-1, hash(folder))
    return found.st_dev, found.st_ino


def _kind(entry: "os.DirEntry[str]") -> str:
    """Return `file` or `folder`, also for links to one, or else why it is neither."""
    try:
        mode = entry.stat().st_mode if entry.is_symlink() else 0
    except PermissionError:
        return "closed link"
    except OSError:
        return "dead link"
    if entry.is_dir(follow_symlinks=False) or stat.S_ISDIR(mode):
        return "folder"
    return "file" if entry.is_file(follow_symlinks=False) or stat.S_ISREG(mode) else "neither file nor folder"
