"""Images in one numpy archive, as `train_x, train_y` and perhaps `test_x, test_y`, or as `x, y`."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nas.data.sets import Dataset, Split, assemble, existing, spelt
from nas.errors import DataError, in_one_line

KEYS = "'train_x' and 'train_y' (with 'test_x' and 'test_y' or without), or 'x' and 'y'"


def npz(path: Path, *, seed: int, resolution: int | None = None, divided: bool = True) -> Dataset:
    """Read images `(n, h, w)`, `(n, h, w, c)` or `(n, c, h, w)` of 1 or 3 channels.

    Pixels are uint8 or floats from 0 to 1, labels whole numbers or strings. The images may be signs or digits, so they
    are never mirrored.
    """
    arrays = _arrays(existing("npz", path, folder=False))
    parts = [_pair(path, arrays, key.removesuffix("x")) for key in arrays if key.endswith("x")]
    if len({images.shape[1:] for images, _ in parts}) > 1:
        raise DataError(f"{path}: train_x and test_x differ in shape: {[images.shape for images, _ in parts]}.")
    values, labels = np.unique(np.concatenate([given for _, given in parts]), return_inverse=True)
    ends = np.cumsum([len(images) for images, _ in parts])[:-1]
    whole = [Split(images, rows) for (images, _), rows in zip(parts, np.split(labels, ends), strict=True)]
    test = whole[1] if len(whole) > 1 else None
    classes = tuple(str(value) for value in values)
    return assemble(
        f"npz:{path.name}", classes, whole[0], test=test,
        seed=seed, resolution=resolution, mirror=False, divided=divided,
    )  # fmt: skip


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    try:
        with path.open("rb") as file:  # numpy would leave its own handle open on a damaged archive
            archive = np.load(file, allow_pickle=False)
            if isinstance(archive, np.ndarray):
                raise DataError(f"{path}: a single array (.npy); needed is an archive (numpy.savez) with {KEYS}.")
            return {key: np.asarray(archive[key]) for key in _keys(path, archive.files)}
    except DataError:
        raise
    except Exception as error:  # a damaged archive may raise anything
        raise DataError(
            f"{path}: cannot be read as a numpy archive of plain arrays ({in_one_line(error)}). Write it anew with "
            "numpy.savez, texts as labels.astype(str)."
        ) from error


def _keys(path: Path, found: list[str]) -> list[str]:
    """Return the keys to read, the training part's first, and ignore others."""
    keys: list[str] = [key for key in ("train_x", "train_y", "test_x", "test_y", "x", "y") if key in found]
    if keys not in (["train_x", "train_y"], ["train_x", "train_y", "test_x", "test_y"], ["x", "y"]):
        raise DataError(f"{path}: holds {', '.join(found) or 'nothing'}; needed are {KEYS}.")
    return keys


def _pair(path: Path, arrays: dict[str, NDArray[Any]], prefix: str) -> tuple[NDArray[np.uint8], NDArray[Any]]:
    """Check the images and labels of one part."""
    x, y = f"{prefix}x", f"{prefix}y"
    images, labels = _images(f"{path}: '{x}'", arrays[x]), _labels(f"{path}: '{y}'", arrays[y])
    if len(images) != len(labels):
        raise DataError(f"{path}: {len(images)} images in '{x}', but {len(labels)} labels in '{y}'.")
    return images, labels


def _images(where: str, array: NDArray[Any]) -> NDArray[np.uint8]:
    planes = array[:, None] if array.ndim == 3 else array
    if planes.ndim == 4 and planes.shape[3] in (1, 3):
        planes = planes.transpose(0, 3, 1, 2)
    if planes.ndim != 4 or planes.shape[1] not in (1, 3) or not planes.size:
        raise DataError(
            f"{where} has shape {array.shape}; allowed are (n, h, w), (n, h, w, c) and (n, c, h, w) with c 1 or 3, "
            "and at least one pixel."
        )
    return _bytes(where, planes)


def _bytes(where: str, pixels: NDArray[Any]) -> NDArray[np.uint8]:
    if pixels.dtype == np.uint8:
        return pixels
    if pixels.dtype.kind != "f":
        raise DataError(f"{where} is {pixels.dtype}; allowed are uint8 and floats from 0 to 1.")
    low, high = pixels.min(), pixels.max()
    if not (low >= 0 and high <= 1):  # so written, NaN fails too
        raise DataError(f"{where} runs from {low} to {high}; allowed are uint8 and floats from 0 to 1.")
    return np.asarray(pixels * 255).round().astype(np.uint8)


def _labels(where: str, array: NDArray[Any]) -> NDArray[Any]:
    labels = array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array
    if labels.ndim != 1 or labels.dtype.kind not in "iuU":
        raise DataError(
            f"{where} is {array.dtype} of shape {array.shape}; needed is (n,), a whole number or a string an image."
        )
    return np.array([*map(spelt, labels.tolist())]) if labels.dtype.kind == "U" else labels
