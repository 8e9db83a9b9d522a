"""Images in folders, one a class, in any format that Pillow reads.

Sub-folders `train`, `val` (or `validation`) and `test` with the class folders inside are the parts.
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nas.data.pictures import planes, read_picture
from nas.data.sets import Dataset, Split, assemble, existing
from nas.errors import DataError

RESOLUTION = 64
PARTS = {"train": ("train",), "validation": ("val", "valid", "validation"), "test": ("test",)}


class _Picture(NamedTuple):
    """One file: its class, its part, and its pixels `(height, width, 3)` or the reason why it has no pixels."""

    file: Path
    part: str
    label: int
    pixels: NDArray[np.uint8] | None = None
    grey: bool = False
    reason: str = ""


def image_folder(path: Path, *, seed: int, resolution: int | None = None) -> Dataset:
    """Scale images to `resolution` (64) on the shorter side and crop them to the middle square.

    They are grey if all files are, else colour, and transparent ones lie on white. `skipped` names unreadable files.
    """
    folders = _parts(existing("image_folder", path, folder=True))
    classes = tuple(sorted({name for part in folders.values() for name in _subfolders(part)}))
    if len(classes) < 2:
        raise DataError(
            f"image_folder: {path} has {len(classes)} class folder(s) {', '.join(classes)}; at least 2 are needed, "
            "each a folder of images named like its class."
        )
    pictures = list(_decode(_files(folders, classes), resolution or RESOLUTION))
    read = [picture for picture in pictures if picture.pixels is not None]
    skipped = tuple(f"{p.file.relative_to(path)} ({p.reason})" for p in pictures if p.pixels is None)
    _check_full(path, folders, classes, read, skipped)
    grey = all(picture.grey for picture in read)
    parts = {part: _stack([p for p in read if p.part == part], grey) for part in folders}
    name = f"image_folder:{path.name}"
    return assemble(name, classes, **parts, seed=seed, resolution=resolution, mirror=True, skipped=skipped)


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


def _files(folders: dict[str, Path], classes: tuple[str, ...]) -> Iterable[_Picture]:
    """Yield every file below a class folder, in sorted order and unread."""
    for part, folder in folders.items():
        for label, name in enumerate(classes):
            for file in sorted((folder / name).rglob("*")):
                if file.is_file() and not file.name.startswith("."):
                    yield _Picture(file, part, label)


def _decode(pictures: Iterable[_Picture], resolution: int) -> Iterable[_Picture]:
    with ThreadPoolExecutor() as pool:  # Pillow decodes and resizes outside the interpreter's lock
        yield from pool.map(partial(_open, resolution=resolution), pictures)


def _open(picture: _Picture, resolution: int) -> _Picture:
    try:
        pixels, grey = read_picture(picture.file, resolution)
        return picture._replace(pixels=pixels, grey=grey)
    except Exception as error:  # Pillow's readers may raise anything on damaged files
        return picture._replace(reason=f"{type(error).__name__}: {error}".replace(str(picture.file), picture.file.name))


def _check_full(
    path: Path, folders: dict[str, Path], classes: tuple[str, ...], read: list[_Picture], skipped: tuple[str, ...]
) -> None:
    """Raise DataError if nothing could be read of a part, or of a class of the training part."""
    for part, folder in folders.items():
        filled = {picture.label for picture in read if picture.part == part}
        empty = [name for label, name in enumerate(classes) if label not in filled]
        if empty if part == "train" else not filled:
            unread = f" {len(skipped)} could not be read, the first {skipped[0]}." if skipped else ""
            raise DataError(
                f"image_folder: {folder} has no readable image of {', '.join(empty[:5])}.{unread} "
                "Add images, or take the class folder out."
            )


def _stack(pictures: list[_Picture], grey: bool) -> Split:
    pixels = np.stack([picture.pixels for picture in pictures if picture.pixels is not None])
    return Split(planes(pixels, 1 if grey else 3), np.array([picture.label for picture in pictures]))
