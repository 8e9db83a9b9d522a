"""Images in folders, one a class, in any format that Pillow reads.

Sub-folders `train`, `val` (or `validation`) and `test` with the class folders inside are the parts, also under other
names that people give them: `Training`, `valid`, `signs_test`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nas.data.class_folders import Classes, files_of, find_classes, find_parts, note_strays
from nas.data.parts import PARTS
from nas.data.sets import Dataset, divide, existing
from nas.data.stored import StoredPictures, screened
from nas.data.tree import Tree
from nas.errors import DataError
from nas.files import readable

RESOLUTION = 64


class _Found(NamedTuple):
    """Files below the class folders: paths below the whole folder, and the numbers of their parts and classes."""

    names: list[str]
    parts: NDArray[np.int64]
    labels: NDArray[np.int64]


def image_folder(
    path: Path, *, seed: int, resolution: int | None = None, in_memory: bool | None = None, divided: bool = True
) -> Dataset:
    """Scale images to `resolution` (64) on the shorter side and crop them to the middle square.

    They are grey if all files are, else colour, and transparent ones lie on white. `skipped` names what was left out.
    Where their pixels do not fit in memory, files are decoded when they are asked for.
    """
    tree = Tree(existing("image_folder", path, folder=True))
    folders = find_parts(tree)
    classes = find_classes(tree, folders, least=2 if divided else 1)
    found = _found(tree, folders, classes)
    note_strays(tree, folders)
    stored = StoredPictures(path, found.names, resolution or RESOLUTION, channels=3)
    pictures, whole, unreadable, _ = screened(stored)
    parts, labels, skipped = found.parts[whole], found.labels[whole], (*tree.left, *unreadable)
    names = tuple(classes)
    if divided or not len(labels):
        _check_full(tree, folders, classes, parts, labels, skipped)
    sizes = np.bincount(parts, minlength=len(PARTS)).tolist()
    name = f"image_folder:{path.name}"
    return divide(
        name, names, pictures, labels, sizes,
        seed=seed, mirror=True, skipped=skipped, in_memory=in_memory, divided=divided,
    )  # fmt: skip


def _found(tree: Tree, folders: Mapping[str, Path], classes: Classes) -> _Found:
    """List every file below a class folder, in sorted order and unread."""
    found = [
        (str(file.relative_to(tree.root)), PARTS.index(part), label)
        for part, folder in folders.items()
        for file, label in files_of(tree, classes, part, folder)
    ]
    numbers = np.array([numbers for _, *numbers in found], np.int64).reshape(-1, 2)
    return _Found([name for name, *_ in found], numbers[:, 0], numbers[:, 1])


def _check_full(
    tree: Tree,
    folders: Mapping[str, Path],
    classes: Classes,
    parts: NDArray[np.int64],
    labels: NDArray[np.int64],
    skipped: tuple[str, ...],
) -> None:
    """Raise DataError if nothing could be read of a part, or of a class of the training part."""
    for part, folder in folders.items():
        filled = set(labels[parts == PARTS.index(part)].tolist())
        empty = [name for label, name in enumerate(classes) if label not in filled]
        if empty if part == "train" else not filled:
            listed = ", ".join(f"'{name}'" for name in empty[:5])
            homes = [home.relative_to(tree.root) for name in empty for home in classes[name].get(part, ())]
            ends = ("/", " (closed folder", " (folder that")  # of what lies in a class folder, or is one
            within = tuple(f"{readable(str(home))}{end}" for home in homes for end in ends)
            own = [said for said in skipped if said.startswith(within)]
            left = f" {len(own)} were left out there, the first {own[0]}." if own else ""
            raise DataError(
                f"image_folder: {folder} has no readable image of {listed}.{left} "
                "Add images, each in the folder of its class, or take the folder out."
            )
