"""Handwritten digits as strokes to paint scenes with, and the cache of scenes that were painted.

The strokes are scikit-learn's bundled digits, 1,797 grey images of 8x8 pixels, the test part of E. Alpaydin, C. Kaynak,
UCI Optical Recognition of Handwritten Digits, 1998.
"""

import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from nas import files
from nas.data.parts import PARTS
from nas.data.sets import Split, cut

Floats = NDArray[np.float32]
Images = NDArray[np.uint8]
Rows = NDArray[np.int64]
CLASSES = tuple("0123456789")


@dataclass(frozen=True)
class Drawing:
    """The number of images of each part and the pixels on their side; a set adds how hard its images are."""

    train: int
    validation: int
    test: int
    resolution: int

    @property
    def sizes(self) -> tuple[int, int, int]:
        """The number of images of each part."""
        return self.train, self.validation, self.test


D = TypeVar("D", bound=Drawing)


@cache
def handwritten() -> tuple[Floats, Rows]:
    """Return the digits' strokes `(1797, 8, 8)` from 0 to 1, and the digits they stand for."""
    bunch = load_digits()
    return (bunch.images / 16).astype(np.float32), bunch.target.astype(np.int64)


def originals(sizes: Sequence[int], seed: int) -> tuple[Rows, Rows, Rows]:
    """Divide the digits among training, validation and test images by these sizes, none in two of the parts."""
    _, labels = handwritten()
    shares = [round(len(labels) * size / sum(sizes)) for size in sizes]
    train, test = cut(np.arange(len(labels)), labels, shares[2], seed)
    train, validation = cut(train, labels, shares[1], seed)
    return train, validation, test


def paint(
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


def exposed(canvas: Floats, noise: float, rng: Generator) -> Images:
    """Add Gaussian noise of this standard deviation to scenes `(n, side, side)`; return images `(n, 1, side, side)`."""
    canvas += rng.normal(0, noise, canvas.shape).astype(np.float32)
    return (canvas.clip(0, 1)[:, None] * 255).round().astype(np.uint8)


def drawn(drawing: D, seed: int, part: Callable[[D, Rows, int, Generator], Split]) -> list[Split]:
    """Draw training, validation and test images, each part by `part(drawing, originals, size, generator)`."""
    sizes, streams = drawing.sizes, np.random.default_rng(seed).spawn(len(PARTS))
    return [part(drawing, *each) for each in zip(originals(sizes, seed), sizes, streams, strict=True)]


def painted(name: str, version: int, seed: int, drawing: D, draw: Callable[[D, int], list[Split]]) -> list[Split]:
    """Return the parts that the cache folder keeps of a drawing, or draw them by `draw(drawing, seed)` and keep them.

    A file that is damaged, or whose grey images are not as many and as wide as the drawing says, is drawn anew.
    """
    digest = hashlib.sha256(repr((version, seed, drawing)).encode()).hexdigest()[:16]
    file, side = files.cache_folder() / f"{name}-{digest}.npz", drawing.resolution
    parts = _recall(file)
    if parts is None or [part.images.shape for part in parts] != [(size, 1, side, side) for size in drawing.sizes]:
        parts = draw(drawing, seed)
        _remember(file, parts)
    return parts


def _recall(file: Path) -> list[Split] | None:
    """Read the parts in a cache file, or return None if it is missing or damaged."""
    try:
        with file.open("rb") as stream:
            cached = np.load(stream, allow_pickle=False)
            return [Split(cached[f"{part}_images"], cached[f"{part}_labels"]) for part in PARTS]
    except Exception:  # a damaged archive may raise anything
        return None


def _remember(file: Path, parts: list[Split]) -> None:
    """Write the cache file, whole or not at all, if the folder can be written."""
    arrays = {f"{name}_{k}": v for name, part in zip(PARTS, parts, strict=True) for k, v in part._asdict().items()}
    with suppress(OSError), files.caching(file) as stream:
        np.savez(stream, **arrays)
