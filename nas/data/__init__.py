"""Images to train on, found by the text `NAME[:PATH]`."""

import inspect
import os.path
from contextlib import suppress
from pathlib import Path

import numpy as np

from nas.data.parts import files_of
from nas.data.sets import Dataset
from nas.errors import DataError, brief
from nas.registry import DATA

__all__ = ["Dataset", "load", "one_test", "parse", "place", "same"]
LARGEST = 2048  # pixels
IN_FILES = ("coco",)  # kinds whose parts have files of their own, of which any names all
SEEDS = 2**32  # that images may be divided by


def parse(spec: str) -> tuple[str, Path | None]:
    """Split `NAME[:PATH]` into name and path.

    Raises DataError for an unknown name, and for a missing or a superfluous path.
    """
    name, _, path = spec.partition(":")
    if name not in DATA.names() and os.path.isdir(os.path.expanduser(spec)):  # noqa: PTH111, PTH112  (they never raise)
        raise DataError(f"data set '{spec}': is a folder; say of which kind, such as image_folder:{spec} if it holds "
                        "one for each class")  # fmt: skip
    DATA.check(name, DataError)
    wants_path = inspect.signature(DATA.get(name), eval_str=True).parameters["path"].annotation is Path
    if wants_path and not path:
        raise DataError(f"data set '{name}' needs a path: write {name}:PATH.")
    if path and not wants_path:
        raise DataError(f"data set '{name}' takes no path, found '{path}': write {name}.")
    try:
        return name, Path(path).expanduser() if path else None
    except RuntimeError as error:
        raise DataError(f"data set '{name}': {path}: {error} Write the path without '~'.") from error


def load(
    spec: str, *, seed: int = 0, resolution: int | None = None, in_memory: bool | None = None, divided: bool = True
) -> Dataset:
    """Load the data set that `NAME[:PATH]` names, divided by `seed`, with images `resolution` pixels square.

    Without `resolution` images keep their size. `in_memory` says whether pictures are read now or, by a kind that can,
    when they are asked for; by default they are read now if they fit. What is not to be `divided` stays, of a kind that
    knows of it, in the parts that it has, however few images they hold, which is enough to judge them. Raises
    DataError, naming the file and the remedy.
    """
    name, path = parse(spec)
    if resolution is not None and not (isinstance(resolution, int) and 1 <= resolution <= LARGEST):
        side = brief(resolution)
        raise DataError(f"data set '{name}': resolution {side} is not allowed; write 1 to {LARGEST} pixels.")
    if not (isinstance(seed, int) and 0 <= seed < SEEDS):
        raise DataError(f"data set '{name}': seed {brief(seed)} is not allowed; write 0 to {SEEDS - 1}.")
    kind = DATA.get(name)
    known, more = inspect.signature(kind).parameters, {"in_memory": in_memory, "divided": divided}
    with DATA.telling(name):
        chosen = {option: value for option, value in more.items() if option in known}
        dataset = kind(path, seed=seed, resolution=resolution, **chosen)
    if not isinstance(dataset, Dataset):
        raise DataError(f"data set '{name}': its function gave {brief(dataset)}; return a Dataset")
    return dataset


def same(spec: str, other: str) -> bool:
    """Tell whether two texts name the same data, perhaps by two paths or links, or by the files of two parts."""
    return spec == other or not _places(spec).isdisjoint(_places(other))


def place(spec: str) -> tuple[str, str]:
    """Return the kind that a text names and where its path leads, whatever links are in it."""
    kind, _, path = spec.partition(":")
    return kind, os.path.realpath(os.path.expanduser(path))  # noqa: PTH111  (pathlib raises for names without a home)


def _places(spec: str) -> set[tuple[str, str]]:
    """Return the place that a text names, or those of all parts where they have files of their own."""
    kind, _, path = spec.partition(":")
    found = {place(spec)}
    if kind in IN_FILES:
        with suppress(DataError, OSError):  # of what cannot be read, or means two
            found |= {place(f"{kind}:{file}") for file in files_of(Path(os.path.expanduser(path))).values()}  # noqa: PTH111
    return found


def one_test(dataset: Dataset, other: Dataset) -> bool:
    """Tell whether two divisions of the same data have one test part, as they do where it is the data's own."""
    ours, theirs = dataset.images, other.images
    if isinstance(ours, np.ndarray) and isinstance(theirs, np.ndarray):
        return np.array_equal(ours[dataset.test], theirs[other.test])
    return np.array_equal(dataset.test, other.test)  # rows of pictures on disk are the same for all seeds
