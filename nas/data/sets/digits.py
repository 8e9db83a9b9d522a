"""scikit-learn's handwritten digits, alone or among fragments of other digits.

Alone they are 1,797 grey images of 8x8 pixels, the test part of E. Alpaydin, C. Kaynak, UCI Optical Recognition of
Handwritten Digits, 1998. The clutter follows cluttered MNIST (https://arxiv.org/abs/1406.6247, section 4.1): each image
holds one whole handwritten digit at a random position, scale and contrast, among pieces of other digits. To read it a
network needs local shape (strokes) and global arrangement (which strokes belong together).
"""

import hashlib
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from nas import files
from nas.data.sets import Dataset, Split, assemble, cut

__all__ = ["cluttered_digits", "digits"]

CLASSES = tuple("0123456789")
VERSION = 1  # raise it with every change of the pixels, so that no old cache is read
CHUNK = 1000  # images drawn at once; bounds the memory

Floats = NDArray[np.float32]
Range = tuple[float, float]


@dataclass(frozen=True)
class Clutter:
    """The number of images and their difficulty. Lengths are shares of the image's side, contrasts of full white."""

    train: int = 2000
    validation: int = 1000
    test: int = 1000
    resolution: int = 32
    scale: Range = (0.6, 0.9)
    """Side of a digit's 8x8 box, uniform in this range, also for digits that fragments are cut from."""
    contrast: Range = (0.5, 1.0)
    """Brightness of the digit's strokes."""
    fragments: int = 4
    fragment_size: float = 0.22
    """Side of the square piece that is cut out of another digit."""
    fragment_contrast: Range = (0.4, 1.0)
    """Brightness of a fragment as a share of its image's digit's, so that faint digits stay legible."""
    noise: float = 0.05
    """Standard deviation of the Gaussian noise on every pixel."""


DEFAULT = Clutter()
PARTS = ("train", "validation", "test")


def digits(path: None, *, seed: int, resolution: int | None = None) -> Dataset:
    """Load the bundled digits, never mirrored, as a mirrored digit is another sign."""
    bunch = load_digits()
    images = np.rint(bunch.images[:, None] * (255 / 16)).astype(np.uint8)
    whole = Split(images, bunch.target.astype(np.int64))
    return assemble("digits", CLASSES, whole, seed=seed, resolution=resolution, mirror=False)


def cluttered_digits(path: None, *, seed: int, resolution: int | None = None, clutter: Clutter = DEFAULT) -> Dataset:
    """Draw the default data of every search in a second, or read them from the cache folder."""
    clutter = replace(clutter, resolution=resolution or clutter.resolution)
    file = files.cache_folder() / f"cluttered_digits-{_key(clutter, seed)}.npz"
    parts = _recall(file, clutter)
    if parts is None:
        parts = draw(clutter, seed)
        _remember(file, parts)
    return assemble("cluttered_digits", CLASSES, *parts, seed=seed, resolution=clutter.resolution, mirror=False)


def draw(clutter: Clutter, seed: int) -> list[Split]:
    """Draw train, validation and test images, with no handwritten original in two of these parts."""
    bunch = load_digits()
    glyphs, labels = (bunch.images / 16).astype(np.float32), bunch.target.astype(np.int64)
    sizes = [clutter.train, clutter.validation, clutter.test]
    shares = [round(len(labels) * size / sum(sizes)) for size in sizes]
    train, test = cut(np.arange(len(labels)), labels, shares[2], seed)
    train, validation = cut(train, labels, shares[1], seed)
    streams = np.random.default_rng(seed).spawn(3)
    originals = (train, validation, test)
    return [_part(glyphs, labels, *each, clutter) for each in zip(originals, sizes, streams, strict=True)]


def _part(
    glyphs: Floats, labels: NDArray[np.int64], originals: NDArray[np.int64], size: int, rng: Generator, clutter: Clutter
) -> Split:
    rows = rng.permutation(np.resize(originals, size))  # each original equally often
    chunks = np.split(rows, range(CHUNK, size, CHUNK))
    return Split(np.concatenate([_images(glyphs, chunk, originals, rng, clutter) for chunk in chunks]), labels[rows])


def _images(
    glyphs: Floats, rows: NDArray[np.int64], originals: NDArray[np.int64], rng: Generator, clutter: Clutter
) -> NDArray[np.uint8]:
    n = len(rows)
    contrast = rng.uniform(*clutter.contrast, n)
    canvas = _digit(glyphs[rows], contrast, rng, clutter)
    for _ in range(clutter.fragments):
        others = glyphs[rng.choice(originals, n)]
        share = rng.uniform(*clutter.fragment_contrast, n)
        np.maximum(canvas, _fragment(others, contrast * share, rng, clutter), out=canvas)
    canvas += rng.normal(0, clutter.noise, canvas.shape).astype(np.float32)
    canvas = canvas.clip(0, 1)[:, None] * 255
    return canvas.round().astype(np.uint8)


def _digit(glyphs: Floats, contrast: NDArray[np.float64], rng: Generator, clutter: Clutter) -> Floats:
    """Paint whole digits inside the image."""
    scale = rng.uniform(*clutter.scale, len(glyphs))
    corner = rng.uniform(0, 1, (2, len(glyphs))) * (1 - scale)
    return _paint(glyphs, corner, scale, contrast, clutter.resolution)


def _fragment(glyphs: Floats, contrast: NDArray[np.float64], rng: Generator, clutter: Clutter) -> Floats:
    """Paint square pieces from the inked middle of digits, up to half outside the image."""
    n, size = len(glyphs), clutter.fragment_size
    scale = rng.uniform(*clutter.scale, n)
    window = rng.uniform(-size / 2, 1 - size / 2, (2, n))
    corner = window - rng.uniform(0.1, 0.9, (2, n)) * (scale - size)
    return _paint(glyphs, corner, scale, contrast, clutter.resolution, window, size)


def _paint(
    glyphs: Floats,
    corner: NDArray[np.float64],
    scale: NDArray[np.float64],
    contrast: NDArray[np.float64],
    side: int,
    window: NDArray[np.float64] | None = None,
    size: float = 1,
) -> Floats:
    """Enlarge glyphs `(n, 8, 8)` to `scale` with their upper left at `corner` (y, x), seen through a square window.

    Enlarging is separable, so each axis takes one `(side, 8)` matrix an image.
    """
    pixel = (np.arange(side) + 0.5) / side
    cells = glyphs.shape[-1]
    cell = (pixel - corner[..., None]) / scale[:, None] * cells - 0.5
    weights = _cubic(cell[..., None] - np.arange(cells)).astype(np.float32)
    if window is not None:
        inside = np.abs(pixel - window[..., None] - size / 2) <= size / 2
        weights *= inside[..., None]
    painted: Floats = weights[0] @ glyphs @ weights[1].transpose(0, 2, 1)
    return painted.clip(0, 1) * contrast[:, None, None].astype(np.float32)


def _cubic(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute Keys' cubic interpolation kernel (IEEE ASSP 29, 1981, a = -1/2)."""
    d = np.abs(distance)
    near, far = (1.5 * d - 2.5) * d * d + 1, ((-0.5 * d + 2.5) * d - 4) * d + 2
    return np.where(d < 1, near, np.where(d < 2, far, 0))


def _key(clutter: Clutter, seed: int) -> str:
    return hashlib.sha256(repr((VERSION, seed, clutter)).encode()).hexdigest()[:16]


def _recall(file: Path, clutter: Clutter) -> list[Split] | None:
    """Read the parts in a cache file, or return None if it is missing or damaged."""
    try:
        with file.open("rb") as stream:
            cached = np.load(stream, allow_pickle=False)
            parts = [Split(cached[f"{part}_images"], cached[f"{part}_labels"]) for part in PARTS]
    except Exception:  # a damaged archive may raise anything
        return None
    side = clutter.resolution
    shapes = [(size, 1, side, side) for size in (clutter.train, clutter.validation, clutter.test)]
    return parts if [part.images.shape for part in parts] == shapes else None


def _remember(file: Path, parts: list[Split]) -> None:
    """Write the cache file, whole or not at all, if the folder can be written."""
    arrays = {f"{name}_{k}": v for name, part in zip(PARTS, parts, strict=True) for k, v in part._asdict().items()}
    with suppress(OSError), files.caching(file) as stream:
        np.savez(stream, **arrays)
