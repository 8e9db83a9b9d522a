"""scikit-learn's handwritten digits, alone or among fragments of other digits.

The clutter follows cluttered MNIST (https://arxiv.org/abs/1406.6247, section 4.1): each image
holds one whole handwritten digit at a random position, scale and contrast, among pieces of other digits. To read it a
network needs local shape (strokes) and global arrangement (which strokes belong together).
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from nas.data.glyphs import CLASSES, Drawing, Floats, Images, Rows, drawn, exposed, handwritten, paint, painted
from nas.data.sets import Dataset, Split, assemble

__all__ = ["cluttered_digits", "digits"]

VERSION = 1  # raise it with every change of the pixels, so that no old cache is read
CHUNK = 1000  # images drawn at once; bounds the memory

Range = tuple[float, float]


@dataclass(frozen=True)
class Clutter(Drawing):
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


def digits(path: None, *, seed: int, resolution: int | None = None) -> Dataset:
    """Load the bundled digits, never mirrored, as a mirrored digit is another sign."""
    strokes, labels = handwritten()
    whole = Split(np.rint(strokes[:, None] * 255).astype(np.uint8), labels)
    return assemble("digits", CLASSES, whole, seed=seed, resolution=resolution, mirror=False)


def cluttered_digits(path: None, *, seed: int, resolution: int | None = None, clutter: Clutter = DEFAULT) -> Dataset:
    """Draw the default data of every search in a second, or read them from the cache folder."""
    clutter = replace(clutter, resolution=resolution or clutter.resolution)
    parts = painted("cluttered_digits", VERSION, seed, clutter, draw)
    return assemble("cluttered_digits", CLASSES, *parts, seed=seed, resolution=clutter.resolution, mirror=False)


def draw(clutter: Clutter, seed: int) -> list[Split]:
    """Draw train, validation and test images, with no handwritten original in two of these parts."""
    return drawn(clutter, seed, _part)


def _part(clutter: Clutter, originals: Rows, size: int, rng: Generator) -> Split:
    glyphs, labels = handwritten()
    rows = rng.permutation(np.resize(originals, size))  # each original equally often
    chunks = np.split(rows, range(CHUNK, size, CHUNK))
    return Split(np.concatenate([_images(glyphs, chunk, originals, rng, clutter) for chunk in chunks]), labels[rows])


def _images(glyphs: Floats, rows: Rows, originals: Rows, rng: Generator, clutter: Clutter) -> Images:
    n = len(rows)
    contrast = rng.uniform(*clutter.contrast, n)
    canvas = _digit(glyphs[rows], contrast, rng, clutter)
    for _ in range(clutter.fragments):
        others = glyphs[rng.choice(originals, n)]
        share = rng.uniform(*clutter.fragment_contrast, n)
        np.maximum(canvas, _fragment(others, contrast * share, rng, clutter), out=canvas)
    return exposed(canvas, clutter.noise, rng)


def _digit(glyphs: Floats, contrast: NDArray[np.float64], rng: Generator, clutter: Clutter) -> Floats:
    """Paint whole digits inside the image."""
    scale = rng.uniform(*clutter.scale, len(glyphs))
    corner = rng.uniform(0, 1, (2, len(glyphs))) * (1 - scale)
    return paint(glyphs, corner, scale, contrast, clutter.resolution)


def _fragment(glyphs: Floats, contrast: NDArray[np.float64], rng: Generator, clutter: Clutter) -> Floats:
    """Paint square pieces from the inked middle of digits, up to half outside the image."""
    n, size = len(glyphs), clutter.fragment_size
    scale = rng.uniform(*clutter.scale, n)
    window = rng.uniform(-size / 2, 1 - size / 2, (2, n))
    corner = window - rng.uniform(0.1, 0.9, (2, n)) * (scale - size)
    return paint(glyphs, corner, scale, contrast, clutter.resolution, window, size)
