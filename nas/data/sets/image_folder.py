"""Images in folders, one a class, in any format that Pillow reads.

Sub-folders `train`, `val` (or `validation`) and `test` with the class folders inside are the parts.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nas.data.sets import PARTS, Dataset, divide, existing
from nas.data.stored import StoredPictures, screened
from nas.errors import DataError

RESOLUTION = 64
PLACES = tuple(PARTS)


class _Found(NamedTuple):
    """Files below the class folders: paths below the whole folder, and the numbers of their parts and classes."""

    names: list[str]
    parts: NDArray[np.int64]
    labels: NDArray[np.int64]


def image_folder(path: Path, *, seed: int, resolution: int | None = None, in_memory: bool | None = None) -> Dataset:
    """Scale images to `resolution` (64) on the shorter side and crop them to the middle square.

    They are grey if all files are, else colour, and transparent ones lie on white. `skipped` names unreadable files.
    Where their pixels do not fit in memory, files are decoded when they are asked for.
    """
    folders = _parts(existing("image_folder", path, folder=True))
    classes = tuple(sorted({name for part in folders.values() for name in _subfolders(part)}))
    if len(classes) < 2:
        raise DataError(
            f"image_folder: {path} has {len(classes)} class folder(s) {', '.join(classes)}; at least 2 are needed, "
            "each a folder of images named like its class."
        )
    found = _found(path, folders, classes)
    stored = StoredPictures(path, found.names, resolution or RESOLUTION, channels=3)
    pictures, readable, skipped = screened(stored)
    parts, labels = found.parts[readable], found.labels[readable]
    _check_full(folders, classes, parts, labels, skipped)
    sizes = np.bincount(parts, minlength=len(PARTS)).tolist()
    name = f"image_folder:{path.name}"
    return divide(name, classes, pictures, labels, sizes, seed=seed, mirror=True, skipped=skipped, in_memory=in_memory)


def _parts(path: Path) -> dict[str, Path]:
    """Find the folder of each part, or take an undivided folder as `train`."""
    below = _subfolders(path)
    found = {part: path / name for part, names in PARTS.items() for name in names if name in below}
    divided = "train" in found and any(_subfolders(folder) for folder in found.values())
    return found if divided else {"train": path}


def _subfolders(path: Path) -> list[str]:
    return sorted(entry.name for entry in _entries(path) if entry.is_dir())


def _entries(path: Path) -> list[Path]:
    try:
        return [entry for entry in path.iterdir() if not entry.name.startswith(".")]
    except OSError as error:
        raise DataError(f"image_folder: {path} cannot be read: {error.strerror or error}.") from error


def _found(path: Path, folders: dict[str, Path], classes: tuple[str, ...]) -> _Found:
    """List every file below a class folder, in sorted order and unread."""
    found = [
        (str(file.relative_to(path)), PLACES.index(part), label)
        for part, folder in folders.items()
        for label, name in enumerate(classes)
        for file in _files(folder / name)
    ]
    numbers = np.array([numbers for _, *numbers in found], np.int64).reshape(-1, 2)
    return _Found([name for name, *_ in found], numbers[:, 0], numbers[:, 1])


def _files(folder: Path) -> Iterator[Path]:
    return (file for file in sorted(folder.rglob("*")) if file.is_file() and not file.name.startswith("."))


def _check_full(
    folders: dict[str, Path],
    classes: tuple[str, ...],
    parts: NDArray[np.int64],
    labels: NDArray[np.int64],
    skipped: tuple[str, ...],
) -> None:
    """Raise DataError if nothing could be read of a part, or of a class of the training part."""
    for part, folder in folders.items():
        filled = set(labels[parts == PLACES.index(part)].tolist())
        empty = [name for label, name in enumerate(classes) if label not in filled]
        if empty if part == "train" else not filled:
            unread = f" {len(skipped)} could not be read, the first {skipped[0]}." if skipped else ""
            raise DataError(
                f"image_folder: {folder} has no readable image of {', '.join(empty[:5])}.{unread} "
                "Add images, or take the class folder out."
            )
