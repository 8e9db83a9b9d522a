"""Scenes of three handwritten digits, with two labels on the same images: one compares distant places, one does not.

Each digit of a scene bears a small mark beside it: a bar that lies, a bar that stands, or a dot, each once. `relations`
asks for the leftmost digit: where the digits may stand overlaps, so no place tells the answer and the three must be
compared. `relations_local` asks for the digit beside the dot: all that it takes lies within one digit and its mark.
The relational label follows the tasks of Sort-of-CLEVR (https://arxiv.org/abs/1706.01427, section 4.2), which asks
relational and non-relational questions of the same scenes.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from nas.data.glyphs import CLASSES, Drawing, Images, Rows, drawn, exposed, handwritten, paint, painted
from nas.data.sets import Dataset, Split, assemble

__all__ = ["relations", "relations_local"]

VERSION = 1  # raise it with every change of the pixels, so that no old cache is read
CHUNK = 1000  # images drawn at once; bounds the memory
LEFTMOST, DOTTED = 0, 1  # columns of a scene's labels


@dataclass(frozen=True)
class Scene(Drawing):
    """The number of scenes and their difficulty. Lengths are shares of the image's side, contrasts of full white."""

    train: int = 6000
    validation: int = 2000
    test: int = 2000
    resolution: int = 48
    digits: int = 3
    size: float = 0.24
    """Side of a digit's 8x8 box. Its mark's, below it, is half as long; the boxes of two digits never overlap."""
    left: tuple[float, float] = (0.0, 0.45)
    """Where the leftmost digit stands, uniform in this range."""
    lead: float = 0.1
    """Least distance by which it stands left of the next one."""
    contrast: tuple[float, float] = (0.7, 1.0)
    noise: float = 0.05
    """Standard deviation of the Gaussian noise on every pixel."""


DEFAULT = Scene()
MARKS = np.zeros((3, 8, 8), np.float32)  # a bar that lies, a bar that stands, a dot
MARKS[0, 3:5] = MARKS[1, :, 3:5] = MARKS[2, 2:6, 2:6] = 1
DOT = 2


def relations(path: None, *, seed: int, resolution: int | None = None, scene: Scene = DEFAULT) -> Dataset:
    """Draw scenes labelled by their leftmost digit, or read them from the cache folder."""
    return _load("relations", LEFTMOST, seed, resolution, scene)


def relations_local(path: None, *, seed: int, resolution: int | None = None, scene: Scene = DEFAULT) -> Dataset:
    """Draw the same scenes, labelled by the digit beside the dot."""
    return _load("relations_local", DOTTED, seed, resolution, scene)


def _load(name: str, question: int, seed: int, resolution: int | None, scene: Scene) -> Dataset:
    scene = replace(scene, resolution=resolution or scene.resolution)
    parts = painted("relations", VERSION, seed, scene, draw)
    asked = [Split(part.images, part.labels[:, question]) for part in parts]
    return assemble(name, CLASSES, *asked, seed=seed, resolution=scene.resolution, mirror=False)


def draw(scene: Scene, seed: int) -> list[Split]:
    """Draw train, validation and test scenes, with no handwritten original in two of these parts.

    The labels are `(images, 2)`: the leftmost digit, and the one beside the dot.
    """
    return drawn(scene, seed, _part)


def _part(scene: Scene, rows: Rows, size: int, rng: Generator) -> Split:
    chunks = [min(CHUNK, size - start) for start in range(0, size, CHUNK)]
    images, labels = zip(*(_scenes(rows, count, rng, scene) for count in chunks), strict=True)
    return Split(np.concatenate(images), np.concatenate(labels))


def _scenes(rows: Rows, count: int, rng: Generator, scene: Scene) -> tuple[Images, Rows]:
    """Paint scenes `(count, 1, side, side)` and return them with their labels `(count, 2)`."""
    glyphs, digits = handwritten()
    chosen = rng.choice(rows, (count, scene.digits))
    places = _places(count, rng, scene)
    marks = rng.permuted(np.tile(np.arange(scene.digits), (count, 1)), axis=1)
    canvas = np.zeros((count, scene.resolution, scene.resolution), np.float32)
    for number in range(scene.digits):
        contrast = rng.uniform(*scene.contrast, count)
        corner = places[:, number].T  # (y, x) of every scene
        mark = corner + np.array([[scene.size], [scene.size / 4]])
        for strokes, where, size in ((glyphs[chosen[:, number]], corner, 1), (MARKS[marks[:, number]], mark, 0.5)):
            scale = np.full(count, scene.size * size)
            np.maximum(canvas, paint(strokes, where, scale, contrast, scene.resolution), out=canvas)
    dotted = chosen[np.arange(count), (marks == DOT).argmax(1)]
    return exposed(canvas, scene.noise, rng), np.stack([digits[chosen[:, 0]], digits[dotted]], axis=1)


def _places(count: int, rng: Generator, scene: Scene) -> NDArray[np.float64]:
    """Draw the upper left corners (y, x) of each scene's digits `(count, digits, 2)`, the leftmost one first.

    The others are drawn again until no two overlap, so that the first keeps its uniform place.
    """
    box = np.array([1.5 * scene.size, scene.size])  # a digit with its mark below
    left = rng.uniform(*scene.left, count)
    places = np.zeros((count, scene.digits, 2))
    crowded = np.arange(count)
    while len(crowded):
        places[crowded] = rng.uniform(0, 1 - box, (len(crowded), scene.digits, 2))
        places[crowded, 0, 1] = left[crowded]
        places[crowded, 1:, 1] = rng.uniform(
            left[crowded, None] + scene.lead, 1 - box[1], (len(crowded), scene.digits - 1)
        )
        crowded = crowded[~_apart(places[crowded], box)]
    return places


def _apart(places: NDArray[np.float64], box: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell of each scene whether no two of its digits overlap."""
    first, second = np.triu_indices(places.shape[1], 1)
    distance = np.abs(places[:, first] - places[:, second])
    return np.asarray(np.any(distance >= box, axis=-1).all(1))
