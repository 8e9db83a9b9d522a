"""The fingerprint of a data set: its classes, counts and digests, to tell at the next start whether it is the same.

Images in memory are told apart by their pixels. Those that are decoded when they are asked for, which may be millions,
by their names and the sizes of some of their files.
"""

import hashlib
import io
import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import features

from nas.data import Dataset, boxes
from nas.data.copies import copies
from nas.data.pictures import Source
from nas.data.stored import Pictures
from nas.data.summary import noun_of
from nas.errors import DataError
from nas.files import Json

WEIGHED = 2000  # files, evenly over all, whose sizes are looked at
NAMED = 3  # classes, in a message
MOVED = "its images have other labels, or lie in other parts"


def fingerprint(dataset: Dataset) -> Json:
    """Return what tells a data set from others, as plain data.

    `pixels` depend on the versions in `readers` too, as two decoders of JPEG may differ by a grey level.
    """
    rows = np.concatenate([dataset.train, dataset.validation, dataset.test])
    labels, images = dataset.labels[rows], dataset.images
    return {
        "classes": list(dataset.classes),
        **_tally(labels, dataset),
        "parts": dataset.parts,
        "channels": dataset.channels,
        "resolution": dataset.resolution,
        "unreadable": len(dataset.skipped),
        "copies": copies(dataset),
        "labels": _digest(labels, rows),
        "pixels": _digest(images) if isinstance(images, np.ndarray) else None,
        "files": _files(images) if isinstance(images, Pictures) else None,
        "readers": _readers(),
    }


def _tally(labels: NDArray[Any], dataset: Dataset) -> Json:
    """Count the images of each class, or the boxes and the images without any; other targets are not counted."""
    if dataset.targets == "boxes":
        found = boxes.count(labels, len(dataset.classes))
        return {"counts": found.boxes, "bare": found.bare}
    counted = dataset.targets == "classes"
    return {"counts": np.bincount(labels, minlength=len(dataset.classes)).tolist() if counted else None}


@contextmanager
def perhaps_moved(data: str, command: str, *, told: bool) -> Iterator[None]:
    """Add to a DataError within the block how a command that goes on is told the data's new place, unless it was."""
    try:
        yield
    except DataError as error:
        if told:
            raise
        place = f"{data.partition(':')[0]}:PATH"
        raise DataError(f"{error} If the data were moved, name their new place: {command} --data {place}") from None


def check_data(was: Json, dataset: Dataset, begun: str, remedy: str) -> list[str]:
    """Check a data set against a fingerprint, and return warnings where it may only have been read otherwise.

    `begun` says in words what began with the fingerprint. Raises DataError, with the remedy, for other data.
    """
    if not was:
        return []
    now = fingerprint(dataset)
    said = difference(was, now)
    if said == MOVED and _completed(was, now, dataset):
        raise DataError(f"{dataset.name} has the same images as when {begun} began, in other parts or with other "
                        "labels. Unless labels were changed since, an earlier nas cut a part that lacks a class, where "
                        f"this one puts each class into every part: go on with that nas, or {remedy}")  # fmt: skip
    if said:
        unread = f" ({dataset.skipped[0]})" if dataset.skipped and was["unreadable"] != now["unreadable"] else ""
        raise DataError(f"{dataset.name} is not what {begun} began with: {said}{unread}. Put the data back as they "
                        f"were, or {remedy}")  # fmt: skip
    if was["pixels"] and now["pixels"] and was["pixels"] != now["pixels"]:
        return [f"the images of {dataset.name} are decoded a little otherwise than when {begun} began ({_newer(was)})"]
    return []


def _completed(was: Json, now: Json, dataset: Dataset) -> bool:
    """Tell whether a part may have lacked a class: the images are the same, and one of a class is all that it has."""
    if dataset.targets != "classes" or any(was[name] != now[name] for name in ("pixels", "files")):
        return False
    count = len(dataset.classes)
    cut = (np.bincount(dataset.labels[rows], minlength=count) for rows in (dataset.validation, dataset.test))
    return any((images == 1).any() for images in cut)


def difference(was: Json, now: Json, *, one_seed: bool = True) -> str:
    """Say what is other in data, or return an empty text where they are the same or were only decoded otherwise.

    Seeds cut parts and make images, so data that are not of `one_seed` may differ in both, and in nothing else.
    """
    said = [*_classes(was, now), *(_counts(was, now) if one_seed else _totals(was, now))]
    for name, noun in (("channels", "channels"), ("resolution", "pixels on a side")):
        if was[name] != now[name]:
            said.append(f"its images have {now[name]} {noun}, not {was[name]}")
    if said:
        return "; ".join(said)
    if one_seed and was["labels"] != now["labels"]:
        return MOVED
    if was["files"] != now["files"]:
        return "its files have other names or sizes"
    if one_seed and was["pixels"] != now["pixels"] and was["readers"] == now["readers"]:
        return "its images have other pixels"
    return ""


def _classes(was: Json, now: Json) -> Iterator[str]:
    """Say which classes came and went."""
    before, after = _counted(was), _counted(now)
    new, gone = [name for name in after if name not in before], [name for name in before if name not in after]
    if len(new) == len(gone) == 1 and after[new[0]] == before[gone[0]]:
        yield f"the class '{gone[0]}' is called '{new[0]}'"
    else:
        for names, verb in ((new, "new"), (gone, "lacking")):
            if names:
                listed = ", ".join(f"'{name}'" for name in names[:NAMED]) + (" ..." if len(names) > NAMED else "")
                yield f"the class{'es' * (len(names) > 1)} {listed} {'are' if len(names) > 1 else 'is'} {verb}"
    if not new and not gone and was["classes"] != now["classes"]:
        yield "its classes are in another order"


def _counts(was: Json, now: Json) -> Iterator[str]:
    """Say of which classes there are more or fewer images or boxes, or else of which parts."""
    noun = noun_of(now)
    before, after = _counted(was), _counted(now)
    other = [name for name in before if name in after and after[name] != before[name]]
    for name in other[:NAMED]:
        yield f"'{name}' has {after[name]} {noun}, not {before[name]}"
    if len(other) > NAMED:
        yield f"{len(other) - NAMED} more classes have other numbers of {noun}"
    if before.keys() == after.keys() and not other:
        for part, count in was["parts"].items():
            if now["parts"][part] != count:
                yield f"its {part} part has {now['parts'][part]} images, not {count}"


def _totals(was: Json, now: Json) -> Iterator[str]:
    """Say if there are more or fewer images in all."""
    before, after = (sum(known["parts"].values()) for known in (was, now))
    if before != after:
        yield f"there are {after:,} images, not {before:,}"


def _counted(known: Json) -> dict[str, int | None]:
    """The images or boxes of each class, None where targets are neither."""
    counts: list[int | None] = known["counts"] or [None] * len(known["classes"])
    return dict(zip(known["classes"], counts, strict=True))


def _readers() -> dict[str, str]:
    """The versions that the pixels of one file depend on."""
    jpeg = features.version("libjpeg_turbo") or features.version("jpg") or ""
    return {"pillow": version("pillow"), "jpeg": jpeg, "numpy": np.__version__, "machine": platform.machine()}


def _newer(was: Json) -> str:
    changed = [f"{name} {was['readers'].get(name)} then, {now} now" for name, now in _readers().items()
               if was["readers"].get(name) != now]  # fmt: skip
    return "; ".join(changed)


def _digest(*arrays: NDArray[np.generic]) -> str:
    found = hashlib.sha256()
    for array in arrays:
        found.update(f"{array.dtype} {array.shape}".encode())
        plain = json.dumps(array.tolist(), default=str).encode() if array.dtype.hasobject else array
        found.update(plain if isinstance(plain, bytes) else np.ascontiguousarray(plain).data)
    return found.hexdigest()


def _files(images: Pictures) -> str:
    """Digest the names of all pictures, and the sizes of some."""
    found = hashlib.sha256()
    for row in range(len(images)):
        found.update(os.fsencode(images.name(row)) + b"\0")
    for row in np.unique(np.linspace(0, len(images) - 1, min(len(images), WEIGHED), dtype=np.int64)).tolist():
        found.update(f"{row} {_size(images, row)} ".encode())
    return found.hexdigest()


def _size(images: Pictures, row: int) -> int:
    """Bytes of a picture's file, -1 where it cannot be opened and 0 where it has none."""
    try:
        return _bytes(images.open(row))
    except Exception:  # readers may raise anything on damaged files
        return -1


def _bytes(source: Source) -> int:
    if isinstance(source, Path):
        return source.stat().st_size
    return source.seek(0, io.SEEK_END) if isinstance(source, io.IOBase) else 0
