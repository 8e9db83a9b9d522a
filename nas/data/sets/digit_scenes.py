"""Scenes of none to six handwritten digits with the box of each, among pieces of others: what is where?

The digits are those of the other drawn sets. A box holds the digit's visible ink exactly, as its strokes lie before
they become pixels. At another resolution other scenes are drawn, of the same originals in each part.
"""

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from nas.data import boxes
from nas.data.glyphs import CLASSES, Drawing, Floats, Images, Rows, drawn, exposed, handwritten, paint, painted
from nas.data.sets import Dataset, Split, assemble

VERSION = 1  # raise it with every change of the pixels, so that no old cache is read
CHUNK = 500  # images drawn at once; bounds the memory
INK = 0.3  # brightness from which a stroke counts as seen, as a share of the digit's
FINE, MARGIN = 160, 0.1  # pixels on a side of the canvas on which a glyph's ink is measured; share left free around it
TRIES = 20  # places that a digit is tried at before its scene does without it

Range = tuple[float, float]
Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Scene(Drawing):
    """The number of scenes and their difficulty. Lengths are shares of the image's side, contrasts of full white."""

    train: int = 4000
    validation: int = 1000
    test: int = 1000
    resolution: int = 64
    digits: tuple[float, ...] = (0.06, 0.14, 0.2, 0.2, 0.16, 0.13, 0.11)
    """How often a scene is to have no digit, one, two, ..."""
    size: Range = (0.17, 0.42)
    """Side of a digit's 8x8 box, 11 to 27 pixels of 64; its ink is as high or a little lower."""
    overlap: float = 0.08
    """Most that two digits' boxes may share, of the smaller one's area."""
    contrast: Range = (0.45, 1.0)
    """Brightness of a digit's strokes."""
    ground: float = 0.2
    """Most brightness of the ground, which changes evenly from one corner to the next."""
    fragments: int = 5
    fragment_size: Range = (0.05, 0.1)
    """Side of the square piece that is cut out of another digit, smaller than any digit."""
    fragment_contrast: Range = (0.3, 0.9)
    noise: float = 0.04
    """Standard deviation of the Gaussian noise on every pixel."""


DEFAULT = Scene()


def digit_scenes(path: None, *, seed: int, resolution: int | None = None, scene: Scene = DEFAULT) -> Dataset:
    """Draw the default data of detection in seconds, or read them from the cache folder. They are never mirrored."""
    scene = replace(scene, resolution=resolution or scene.resolution)
    parts, side = painted("digit_scenes", VERSION, seed, scene, draw), scene.resolution
    return assemble("digit_scenes", CLASSES, *parts, seed=seed, resolution=side, mirror=False, targets="boxes")


def draw(scene: Scene, seed: int) -> list[Split]:
    """Draw train, validation and test scenes, with no handwritten original in two of these parts."""
    return drawn(scene, seed, _part)


def _part(scene: Scene, originals: Rows, size: int, rng: Generator) -> Split:
    chunks = [min(CHUNK, size - start) for start in range(0, size, CHUNK)]
    images, labels = zip(*(_scenes(originals, count, rng, scene) for count in chunks), strict=True)
    return Split(np.concatenate(images), boxes.stack(labels))


def _scenes(originals: Rows, count: int, rng: Generator, scene: Scene) -> tuple[Images, boxes.Boxes]:
    """Paint scenes `(count, 1, side, side)` and return them with their boxes."""
    glyphs, digits = handwritten()
    most = len(scene.digits) - 1
    chosen = rng.choice(originals, (count, most))
    scale = rng.uniform(*scene.size, (count, most))
    ink = _ink()[chosen] * scale[..., None]
    places, there = _places(ink, rng.choice(most + 1, count, p=scene.digits), rng, scene.overlap)
    contrast = rng.uniform(*scene.contrast, (count, most)) * there
    canvas = np.zeros((count, scene.resolution, scene.resolution), np.float32)
    for _ in range(scene.fragments):
        np.maximum(canvas, _fragment(glyphs[rng.choice(originals, count)], rng, scene), out=canvas)
    for number in range(most):
        rows = np.flatnonzero(there[:, number])
        corner = (places - ink[..., :2])[rows, number].T
        found = paint(glyphs[chosen[rows, number]], corner, scale[rows, number], contrast[rows, number], len(canvas[0]))
        canvas[rows] = np.maximum(canvas[rows], found)
    canvas += (1 - canvas) * _ground(count, rng, scene)
    labels = _labels(digits[chosen], places, ink[..., 2:] - ink[..., :2], there)
    return exposed(canvas, scene.noise, rng), labels


def _labels(digits: Rows, places: Doubles, sizes: Doubles, there: NDArray[np.bool_]) -> boxes.Boxes:
    """Turn the upper left corners (y, x) and the heights and widths of each scene's digits into boxes."""
    centres = (places + sizes / 2)[..., ::-1]
    crowd = np.zeros((*digits.shape, 1))
    rows = np.concatenate([digits[..., None], centres, sizes[..., ::-1], crowd], axis=-1)
    return boxes.pack([found[seen] for found, seen in zip(rows, there, strict=True)])


def _places(ink: Doubles, wanted: Rows, rng: Generator, overlap: float) -> tuple[Doubles, NDArray[np.bool_]]:
    """Draw where the ink of each scene's digits begins (y, x), one digit after another, and tell which are there.

    A digit that overlaps those before it too much is drawn again.
    """
    sizes = ink[..., 2:] - ink[..., :2]
    places, there = np.zeros_like(sizes), np.zeros(sizes.shape[:2], bool)
    for number in range(sizes.shape[1]):
        waiting = np.flatnonzero(number < wanted)
        for _ in range(TRIES):
            places[waiting, number] = rng.uniform(0, 1 - sizes[waiting, number])
            free = ~_crowded(places[waiting], sizes[waiting], there[waiting], number, overlap)
            there[waiting[free], number] = True
            waiting = waiting[~free]
    return places, there


def _crowded(
    places: Doubles, sizes: Doubles, there: NDArray[np.bool_], number: int, overlap: float
) -> NDArray[np.bool_]:
    """Tell of each scene whether a digit shares too much of the smaller area with one that is there already."""
    ends = places + sizes
    common = np.minimum(ends, ends[:, [number]]) - np.maximum(places, places[:, [number]])
    areas = sizes.prod(-1)
    shared = common.clip(0).prod(-1) / np.minimum(areas, areas[:, [number]])
    return np.asarray((there & (shared > overlap)).any(1))


@cache
def _ink() -> Doubles:
    """Return where each glyph's ink begins and ends, (top, left, bottom, right) as shares of its 8x8 box."""
    glyphs, _ = handwritten()
    found = np.zeros((len(glyphs), 4))
    for start in range(0, len(glyphs), CHUNK):
        chunk = glyphs[start : start + CHUNK]
        scale = np.full(len(chunk), 1 - 2 * MARGIN)
        whole = paint(chunk, np.full((2, len(chunk)), MARGIN), scale, np.ones(len(chunk)), FINE)
        seen = whole >= INK * whole.max((1, 2), keepdims=True)
        for axis in (0, 1):
            line = seen.any(2 - axis)
            found[start : start + CHUNK, axis] = line.argmax(1)
            found[start : start + CHUNK, 2 + axis] = FINE - line[:, ::-1].argmax(1)
    return (found / FINE - MARGIN) / (1 - 2 * MARGIN)


def _fragment(glyphs: Floats, rng: Generator, scene: Scene) -> Floats:
    """Paint square pieces from the inked middle of digits, up to half outside the image."""
    n = len(glyphs)
    size, scale = rng.uniform(*scene.fragment_size), rng.uniform(*scene.size, n)
    window = rng.uniform(-size / 2, 1 - size / 2, (2, n))
    corner = window - rng.uniform(0.1, 0.9, (2, n)) * (scale - size)
    contrast = rng.uniform(*scene.fragment_contrast, n)
    return paint(glyphs, corner, scale, contrast, scene.resolution, window, size)


def _ground(count: int, rng: Generator, scene: Scene) -> Floats:
    """Draw grounds `(count, side, side)` between the brightness of four corners each."""
    corners = rng.uniform(0, scene.ground, (count, 2, 2))
    along = np.linspace(0, 1, scene.resolution)
    mix = np.stack([1 - along, along], axis=1)
    return np.asarray(mix @ corners @ mix.T, np.float32)
