"""Fashion-MNIST, https://arxiv.org/abs/1708.07747, and MNIST: each 70,000 grey images of 28x28 pixels in 10 classes.

A file of the idx format (http://yann.lecun.com/exdb/mnist) holds a magic number whose last byte counts the dimensions,
each dimension as a big-endian 32-bit number, then the bytes.
"""

import gzip
import zlib
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nas.data.sets import Dataset, Split, assemble, existing
from nas.errors import DataError

__all__ = ["fashion_mnist", "mnist"]

CLOTHES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
DIGITS = tuple("0123456789")


def fashion_mnist(path: Path, *, seed: int, resolution: int | None = None) -> Dataset:
    """Read `.gz` or plain idx files, with t10k as `test` and validation cut from the training part."""
    train, test = _parts("fashion_mnist", path)
    return assemble("fashion_mnist", CLOTHES, train, test=test, seed=seed, resolution=resolution, mirror=True)


def mnist(path: Path, *, seed: int, resolution: int | None = None) -> Dataset:
    """Read the same files of digits, http://yann.lecun.com/exdb/mnist. A mirrored digit is another sign."""
    train, test = _parts("mnist", path)
    return assemble("mnist", DIGITS, train, test=test, seed=seed, resolution=resolution, mirror=False)


def _parts(kind: str, path: Path) -> tuple[Split, Split]:
    """Read the training and the test part of a kind's folder."""
    folder = existing(kind, path, folder=True)
    train, test = (_part(kind, folder, part) for part in ("train", "t10k"))
    if train.images.shape[1:] != test.images.shape[1:]:
        raise DataError(
            f"{kind}: {folder} has training images {train.images.shape[2:]} and test images "
            f"{test.images.shape[2:]}; they belong to different sets. Fetch the four files anew."
        )
    return train, test


def _part(kind: str, folder: Path, part: str) -> Split:
    images = _idx(kind, folder, f"{part}-images-idx3-ubyte", 3)
    labels = _idx(kind, folder, f"{part}-labels-idx1-ubyte", 1)
    if len(images) != len(labels) or not images.size:
        raise DataError(
            f"{kind}: {folder} has {len(images)} {part} images and {len(labels)} labels; the files belong to "
            "different sets. Fetch the four files anew."
        )
    if labels.max() >= len(DIGITS):
        raise DataError(f"{kind}: {folder}/{part}-labels holds the label {labels.max()}; allowed are 0 to 9.")
    return Split(images[:, None], labels.astype(np.int64))


def _idx(kind: str, folder: Path, name: str, dimensions: int) -> NDArray[np.uint8]:
    """Read the array in `name`, compressed or not."""
    plain, packed = folder / name, folder / f"{name}.gz"
    file = plain if plain.exists() else packed
    if not file.is_file():
        raise DataError(f"{kind}: {file} is missing. Fetch the four files anew.")
    try:
        with gzip.open(file) if file == packed else file.open("rb") as stream:
            head, content = stream.read(4 + 4 * dimensions), stream.read()
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{file}: cannot be read: {error}. Fetch the file anew.") from error
    magic, shape = head[:4], tuple(np.frombuffer(head[4 : len(head) // 4 * 4], ">u4").tolist())
    if magic != bytes([0, 0, 8, dimensions]):
        raise DataError(
            f"{file}: starts with {magic.hex() or 'nothing'}, not 0000080{dimensions}: no idx file of bytes in "
            f"{dimensions} dimension(s). Fetch the file anew."
        )
    if len(shape) != dimensions or len(content) != prod(shape):
        raise DataError(
            f"{file}: announces {'x'.join(map(str, shape))} bytes, holds {len(content)}: cut short or damaged. "
            "Fetch the file anew."
        )
    return np.frombuffer(content, np.uint8).reshape(shape)
