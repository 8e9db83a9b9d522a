"""Data sets, one a file, and the shared work of their readers: dividing into parts, squaring, checking.

A kind is a function called like its file, `kind(path, *, seed, resolution=None) -> Dataset`. The annotation of `path`
tells whether it needs one: `Path` or `None`. A kind whose pictures may be more than fit in memory also takes
`in_memory: bool | None = None`: whether to read them, or (None) only if they fit. One whose images may all be judged,
few as they are, takes `divided: bool = True`: whether to cut the parts that it lacks from the training part.
"""

import unicodedata
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from nas.data import boxes
from nas.data.parts import PARTS as PARTS
from nas.data.split import Split as Split
from nas.data.split import check_split
from nas.data.stored import Names, Pictures, Pixels, fits, gather
from nas.errors import DataError
from nas.files import readable

HELD_OUT = 0.2
"""Share of the images cut off for validation, and again for the test, where a set has no such part."""


@dataclass(frozen=True)
class Dataset:
    """Square images, divided into three parts. A search trains on `train` and measures on `validation`.

    `images` is uint8 `(images, channels, height, width)`, an array in memory or `Pictures` that are decoded when rows
    are asked for; the parts are row numbers. `labels` has a row an image, of the kind `targets` as a task needs it: of
    "classes" int64 `(images,)`, of "boxes" float32 `(images, most, 6)` as in `nas.data.boxes`. `classes` names what a
    head gives a number for.
    `mirror` tells whether a mirrored image keeps its label; `skipped` names what was left out, each with its cause:
    `cat/7.png (dead link)`, `cat/8.png (damaged image: OSError: ...)`. `part` is the one whose own file was named.
    `names` are those of pictures that were decoded into memory, row by row.
    """

    name: str
    images: Pixels
    labels: NDArray[Any]
    classes: tuple[str, ...]
    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]
    mirror: bool = True
    skipped: tuple[str, ...] = ()
    targets: str = "classes"
    part: str = ""
    names: Names | None = None

    @property
    def parts(self) -> dict[str, int]:
        """The number of images of each part."""
        return {part: len(getattr(self, part)) for part in PARTS}

    @property
    def channels(self) -> int:
        """1 for grey images, 3 for colour."""
        return int(self.images.shape[1])

    @property
    def resolution(self) -> int:
        """The side in pixels."""
        return int(self.images.shape[2])

    def name_of(self, row: int) -> str:
        """Return what people call an image, such as its file, or an empty text for one that has no name."""
        if isinstance(self.images, Pictures):
            return self.images.name(row)
        return self.names[row] if self.names else ""


def assemble(
    name: str,
    classes: tuple[str, ...],
    train: Split,
    validation: Split | None = None,
    test: Split | None = None,
    *,
    seed: int,
    resolution: int | None,
    mirror: bool,
    skipped: tuple[str, ...] = (),
    targets: str = "classes",
    divided: bool = True,
) -> Dataset:
    """Make a data set of the existing parts, cutting the others from `train`, classes stratified, by `seed`.

    What is not to be `divided` stays in the parts that it has. Raises DataError as `check_split` does, for fewer than
    two classes, and for a class with too few images to be in every part; of boxes, for no class, too few images or some
    that are not square.
    """
    parts = [train, validation, test]
    for part in filter(None, parts):
        check_split(name, part, classes, targets)
    images = np.concatenate([part.images for part in parts if part])
    height, width = images.shape[2:]
    if targets == "boxes" and height != width:  # of a middle square the boxes would be others
        raise DataError(
            f"{name}: images with boxes are {width}x{height}; lay them in squares (nas.data.boxes.to_square)"
        )
    images = square(images, resolution)
    given = [part.labels for part in parts if part]
    labels = boxes.stack(given) if targets == "boxes" else np.concatenate(given).astype(np.int64)
    sizes = [len(part.labels) if part else 0 for part in parts]
    return divide(
        name, classes, images, labels, sizes,
        seed=seed, mirror=mirror, skipped=skipped, targets=targets, divided=divided,
    )  # fmt: skip


def divide(
    name: str,
    classes: tuple[str, ...],
    images: Pixels,
    labels: NDArray[Any],
    sizes: Sequence[int],
    *,
    seed: int,
    mirror: bool,
    skipped: tuple[str, ...] = (),
    in_memory: bool | None = None,
    divided: bool = True,
    targets: str = "classes",
) -> Dataset:
    """Make a data set of images that lie part after part, cutting the parts of no size from `train`, by `seed`.

    `sizes` are those of the training, validation and test part. `in_memory` says whether pictures are decoded now, by
    default if they fit; the parts are the same. What is not to be `divided` stays in the parts that it has. Raises
    DataError as `assemble`, `hold` and `check_boxed` do.
    """
    rows = dict(zip(PARTS, np.split(np.arange(len(labels)), np.cumsum(sizes)[:-1]), strict=True))
    missing = [part for part in ("test", "validation") if divided and not len(rows[part])]
    counted = targets == "classes"
    if divided:
        check = _check_classes if counted else _check_boxes
        check(name, classes, labels[rows["train"]], 1 + len(missing))
    held_out = max(round(HELD_OUT * len(rows["train"])), len(classes) if counted else 1)
    for part in missing:
        rows["train"], rows[part] = cut(rows["train"], labels if counted else None, held_out, seed)
    if missing and not counted:
        boxes.spread(rows, missing, boxes.shown(labels, len(classes)))
    name, classes = readable(name), tuple(map(readable, classes))
    train, validation, test = (rows[part] for part in PARTS)
    found = Dataset(name, images, labels, classes, train, validation, test, mirror, skipped, targets)
    lazy = isinstance(images, Pictures) and not (fits(images) if in_memory is None else in_memory)
    given = None if divided else (train, validation, test)  # let what is judged alone lose a class
    found = found if lazy else hold(found, given)
    if divided:
        check_boxed(found, "train", "validation", *missing)
    return found


def hold(dataset: Dataset, parts: Sequence[NDArray[np.int64]] | None = None) -> Dataset:
    """Decode pictures into memory: all, or of the three parts these rows alone, whose order is kept.

    Those that cannot be read leave the parts, and `skipped` names them. Raises DataError where nothing is left of a
    part or, when all are decoded, of a class of the training part.
    """
    if isinstance(dataset.images, np.ndarray):
        return dataset
    given = parts or (dataset.train, dataset.validation, dataset.test)
    rows = np.unique(np.concatenate(given))
    with ThreadPoolExecutor() as pool:
        pixels, readable, unreadable = gather(dataset.images, rows, pool.map)
    places = np.full(len(dataset.labels), -1)
    places[rows[readable]] = np.arange(len(pixels))
    labels = dataset.labels[rows[readable]]
    left = [found[found >= 0] for found in (places[part] for part in given)]
    empty = [part for part, before, after in zip(PARTS, given, left, strict=True) if len(before) and not len(after)]
    if parts is None and dataset.targets == "classes" and not empty:
        lost = np.setdiff1d(dataset.labels[given[0]], labels[left[0]])
        empty = [dataset.classes[number] for number in lost]
    if empty:
        raise DataError(f"{dataset.name}: no readable image is left of {', '.join(empty[:5])}; {len(unreadable)} "
                        f"cannot be read, the first {unreadable[0]}")  # fmt: skip
    names = Names(dataset.images.name(row) for row in rows[readable].tolist())
    return replace(
        dataset, images=pixels, labels=labels, train=left[0], validation=left[1], test=left[2],
        skipped=(*dataset.skipped, *unreadable), names=names,
    )  # fmt: skip


def cut(
    rows: NDArray[np.int64], labels: NDArray[np.int64] | None, size: int, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Cut `size` of the rows off, stratified by any labels, and return the rows that stay and those cut, sorted.

    Some row of each label is cut off.
    """
    from sklearn.model_selection import train_test_split  # takes a second, which pages need not wait for

    strata = None if labels is None else labels[rows]
    stay, off = train_test_split(rows, test_size=size, stratify=strata, random_state=seed)
    if labels is not None:
        _exchange(stay, off, labels)
    return np.sort(stay), np.sort(off)


def _exchange(stay: NDArray[np.int64], off: NDArray[np.int64], labels: NDArray[np.int64]) -> None:
    """Bring in one row of each label that rounding left out of `off`, for one of the label that has most there.

    The rest stays as it was cut, so that parts which were whole are what older runs have sealed.
    """
    for absent in np.setdiff1d(labels[stay], labels[off]):
        most = np.bincount(labels[off]).argmax()
        one, other = np.flatnonzero(labels[stay] == absent)[0], np.flatnonzero(labels[off] == most)[0]
        stay[one], off[other] = off[other], stay[one]


def _check_classes(name: str, classes: tuple[str, ...], train: NDArray[np.int64], least: int) -> None:
    if len(classes) < 2:
        raise DataError(f"{name}: found {len(classes)} class(es) {classes}; a network to compare needs at least 2.")
    counts = np.bincount(train, minlength=len(classes))
    few = [f"'{classes[i]}' has {counts[i]}" for i in np.flatnonzero(counts < least)]
    if few:
        raise DataError(
            f"{name}: too few training images: {', '.join(few[:5])}{' ...' if len(few) > 5 else ''}; "
            f"each class needs at least {least}, for the parts are cut from them. Add images or leave the class out."
        )


def _check_boxes(name: str, classes: tuple[str, ...], train: NDArray[np.floating[Any]], least: int) -> None:
    boxed = int(boxes.shown(train, len(classes)).any(1).sum()) if classes else 0
    if not boxed:
        raise DataError(f"{name}: the {len(train):,} training images have no box to learn from.")
    if boxed < least:
        raise DataError(f"{name}: found {boxed} training image(s) with boxes; at least {least} are needed, for the "
                        "parts are cut from them. Add images.")  # fmt: skip


def check_boxed(dataset: Dataset, *parts: str) -> None:
    """Raise DataError where one of these parts, of data with boxes, shows none of a class, in images that can be read.

    A test part of the data's own may be without.
    """
    if dataset.targets != "boxes":
        return
    shown = boxes.shown(dataset.labels, len(dataset.classes))
    if bare := [part for part in PARTS if part in parts and not shown[getattr(dataset, part)].any()]:
        skipped = dataset.skipped
        left = f" {len(skipped):,} left out, the first {skipped[0]}." if skipped else ""
        raise DataError(f"{dataset.name}: the {' and the '.join(bare)} part would have no box of a class that is "
                        f"trained on, so that every network would find nothing.{left} Add images of these classes, or "
                        "more by --subset and --validation where these draw some.")  # fmt: skip


def square(images: NDArray[np.uint8], resolution: int | None) -> NDArray[np.uint8]:
    """Scale the middle squares of images to `resolution`, by default the shorter side, as `read_picture` does."""
    side = resolution or min(images.shape[2:])
    if images.shape[2:] == (side, side):
        return np.ascontiguousarray(images)
    resized = np.empty((*images.shape[:2], side, side), np.uint8)
    for planes, target in zip(images, resized, strict=True):
        for plane, out in zip(planes, target, strict=True):
            out[:] = ImageOps.fit(Image.fromarray(plane), (side, side), Image.Resampling.BICUBIC)
    return resized


def spelt(name: Any) -> Any:
    """Write a class's name in the one of several spellings that look alike (Unicode's NFC). Numbers stay."""
    return unicodedata.normalize("NFC", name) if isinstance(name, str) else name


def existing(name: str, path: Path, *, folder: bool) -> Path:
    """Check that a file or folder is there and return its path. Raises DataError otherwise."""
    noun = "folder" if folder else "file"
    try:
        if path.is_dir() if folder else path.is_file():
            return path
        found = f"a {'file' if folder else 'folder'} lies there" if path.exists() else "nothing lies there"
    except (OSError, ValueError) as error:  # a name too long, a NUL in it, a closed parent folder
        found = str(error)
    raise DataError(f"{name}: {path} should be a {noun}, but {found}. Write {name}:PATH with the path of the {noun}.")


def read(path: Path) -> bytes:
    """Read a file's bytes. Raises DataError if it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}.") from error
