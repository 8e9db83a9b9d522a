"""CIFAR-10, https://www.cs.toronto.edu/~kriz/cifar.html: 60,000 colour images of 32x32 pixels, 10 classes.

Reads the binary batches (`data_batch_1.bin` ... `test_batch.bin`) and the pickled ones of the Python version. Only
plain arrays are unpickled, so that no file can run code.
"""

import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nas.data.sets import Dataset, Split, assemble, existing, read
from nas.errors import DataError

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
ROW = 1 + 3 * 32 * 32  # bytes of an image in a binary batch: label, then the red, green and blue planes
BATCHES = tuple(f"data_batch_{i}" for i in range(1, 6))


def cifar10(path: Path, *, seed: int, resolution: int | None = None) -> Dataset:
    """Read CIFAR-10, with the official test batch as `test` and validation cut from the training batches."""
    folder = _find(existing("cifar10", path, folder=True))
    suffix = ".bin" if (folder / "data_batch_1.bin").exists() else ""
    load = _binary if suffix else _pickled
    files = [folder / f"{name}{suffix}" for name in (*BATCHES, "test_batch")]
    if lacking := next((file for file in files if not file.is_file()), None):
        raise DataError(f"cifar10: {lacking} is missing. Unpack the archive anew.")
    parts = [load(file) for file in files]
    train = Split(*(np.concatenate(arrays) for arrays in zip(*parts[:-1], strict=True)))
    return assemble("cifar10", _classes(folder), train, test=parts[-1], seed=seed, resolution=resolution, mirror=True)


def _find(path: Path) -> Path:
    """Find the folder of the batches: the path itself, or the one in it that the official archive unpacks to."""
    for folder in (path, path / "cifar-10-batches-bin", path / "cifar-10-batches-py"):
        if (folder / "data_batch_1.bin").exists() or (folder / "data_batch_1").exists():
            return folder
    raise DataError(
        f"cifar10: {path} holds neither data_batch_1.bin nor data_batch_1. Name the folder that holds the batches, "
        "or the one that cifar-10-binary.tar.gz or cifar-10-python.tar.gz was unpacked in."
    )


def _classes(folder: Path) -> tuple[str, ...]:
    file, pickled = folder / "batches.meta.txt", folder / "batches.meta"
    if file.exists():
        names = read(file).decode(errors="replace").split()
    elif pickled.exists():
        entries = _entry(pickled, _unpickled(pickled), b"label_names", list)
        names = [name.decode(errors="replace") if isinstance(name, bytes) else str(name) for name in entries]
    else:
        return CLASSES
    if len(names) != len(CLASSES):
        raise DataError(f"cifar10: {folder}/batches.meta names {len(names)} classes, not 10. Unpack the archive anew.")
    return tuple(names)


def _binary(file: Path) -> Split:
    content = np.frombuffer(read(file), np.uint8)
    if not len(content) or len(content) % ROW:
        raise DataError(
            f"{file}: {len(content)} bytes, but each image takes {ROW}; the file is cut short. Unpack the archive anew."
        )
    rows = content.reshape(-1, ROW)
    return _part(file, rows[:, 1:], rows[:, 0])


def _pickled(file: Path) -> Split:
    batch = _unpickled(file)
    labels = _entry(file, batch, b"labels", list)
    if not all(isinstance(label, int) for label in labels):
        raise DataError(f"{file}: 'labels' holds more than whole numbers. Is it CIFAR-10?")
    return _part(file, _entry(file, batch, b"data", np.ndarray), np.asarray(labels))


def _part(file: Path, pixels: NDArray[Any], labels: NDArray[Any]) -> Split:
    if pixels.dtype != np.uint8 or pixels.shape != (len(labels), ROW - 1) or labels.dtype.kind not in "iu":
        raise DataError(
            f"{file}: {pixels.dtype} data {pixels.shape} with {len(labels)} {labels.dtype} labels, but uint8 "
            f"(images, {ROW - 1}) with one whole number each is needed. Unpack the archive anew."
        )
    if labels.min(initial=0) < 0 or labels.max(initial=0) >= len(CLASSES):
        raise DataError(
            f"{file}: labels from {labels.min()} to {labels.max()}, but CIFAR-10 has 0 to 9. Is it CIFAR-10?"
        )
    return Split(pixels.reshape(-1, 3, 32, 32), labels.astype(np.int64))


def _latin1(text: str, encoding: str) -> bytes:
    """Decode bytes as Python 3 writes them in the old protocols."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"encoding {encoding}")
    return text.encode("latin1")


PLAIN: dict[str, Any] = {
    "numpy.ndarray": np.ndarray,
    "numpy.dtype": np.dtype,
    "numpy._core.multiarray._reconstruct": np.empty(0).__reduce__()[0],
    "numpy._core.numeric._frombuffer": np.empty(0).__reduce_ex__(5)[0],
    "_codecs.encode": _latin1,
}
"""The functions that rebuild a pickled array, in any of pickle's protocols."""


class _ArraysOnly(pickle.Unpickler):
    """Unpickles arrays of plain data types and refuses anything else before looking it up."""

    def __init__(self, file: Path) -> None:
        super().__init__(io.BytesIO(read(file)), encoding="bytes")
        self.file = file

    def find_class(self, module: str, name: str) -> Any:
        plain = PLAIN.get(f"{module.replace('numpy.core.', 'numpy._core.')}.{name}")  # numpy 1's name of its core
        if plain:
            return plain
        raise DataError(f"{self.file}: names {module}.{name}; a batch holds plain arrays only. Do not trust this file.")


def _unpickled(file: Path) -> dict[Any, Any]:
    try:
        content = _ArraysOnly(file).load()
    except DataError:
        raise
    except Exception as error:  # a damaged pickle may raise anything
        raise DataError(f"{file}: not a readable pickle ({error}). Unpack the archive anew.") from error
    return content if isinstance(content, dict) else {}


def _entry(file: Path, content: dict[Any, Any], key: bytes, kind: type) -> Any:
    """Return the value under `key` in the file's dictionary, written by Python 2 (bytes) or 3 (text)."""
    entry = content.get(key, content.get(key.decode()))
    if not isinstance(entry, kind):
        raise DataError(
            f"{file}: '{key.decode()}' should be a {kind.__name__}, found {type(entry).__name__}. Is it CIFAR-10?"
        )
    return entry
