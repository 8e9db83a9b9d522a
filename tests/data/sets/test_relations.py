"""Scenes of three digits: what is drawn, what the two labels ask, and that one place does not tell the answer."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import RidgeClassifier

from nas.data import glyphs, load
from nas.data.sets import relations as module
from nas.data.sets.relations import DOT, DOTTED, LEFTMOST, Scene, draw, relations, relations_local

SMALL = Scene(train=400, validation=100, test=100)


@pytest.fixture(autouse=True)
def _own(own_cache):
    """Keep each test's scenes apart."""


def test_the_same_images_have_two_labels():
    leftmost, dotted = relations(None, seed=3, scene=SMALL), relations_local(None, seed=3, scene=SMALL)
    assert np.array_equal(leftmost.images, dotted.images)
    assert np.array_equal(leftmost.train, dotted.train)
    agree = (leftmost.labels == dotted.labels).mean()
    assert 0.3 < agree < 0.5  # one scene of three asks twice for one digit, and digits repeat


def test_both_are_found_by_name_at_any_resolution():
    for name in ("relations", "relations_local"):
        data = load(name, seed=0, resolution=32)
        assert (data.name, data.images.shape[1:], data.mirror) == (name, (1, 32, 32), False)
        assert data.parts == {"train": 6000, "validation": 2000, "test": 2000}


def test_the_same_seed_draws_the_same_scenes():
    first, again, other = (draw(SMALL, seed)[0] for seed in (1, 1, 2))
    assert np.array_equal(first.images, again.images)
    assert np.array_equal(first.labels, again.labels)
    assert not np.array_equal(first.images, other.images)


def test_the_labels_are_the_digits_at_the_left_and_at_the_dot(monkeypatch):
    """Strokes are replaced by grey boxes, as bright as the digit is large, and marks by nothing but a white dot."""
    grey = np.arange(10, dtype=np.float32)[:, None, None].repeat(8, 1).repeat(8, 2) / 20 + 0.2
    monkeypatch.setattr(module, "handwritten", lambda: (grey, np.arange(10)))
    monkeypatch.setattr(glyphs, "originals", lambda sizes, seed: (np.arange(10),) * 3)
    monkeypatch.setattr(module, "MARKS", np.stack([np.zeros((8, 8))] * DOT + [np.ones((8, 8))]).astype(np.float32))
    part = draw(replace(SMALL, contrast=(1, 1), noise=0, resolution=96), 0)[0]

    def digit(patch):
        return round((np.median(patch[(patch > 25) & (patch < 200)]) / 255 - 0.2) * 20)

    for image, labels in zip(part.images[:100, 0], part.labels[:100], strict=True):
        left = np.flatnonzero((image > 25).any(0))[0]
        assert digit(image[:, left + 3 : left + 8]) == labels[LEFTMOST]
        rows, columns = np.nonzero(image > 200)
        assert digit(image[rows.min() - 12 : rows.min() - 3, columns.min() : columns.max()]) == labels[DOTTED]


def test_no_place_tells_the_answer():
    part = draw(replace(SMALL, train=3000), 0)[0]
    corners = module._places(3000, np.random.default_rng(0), SMALL)
    leftmost = corners[..., 1].min(1)
    others = np.sort(corners[..., 1], axis=1)[:, 1]
    assert (others < np.quantile(leftmost, 0.9)).mean() > 0.2
    assert (others - leftmost).min() >= SMALL.lead
    assert np.quantile(leftmost, [0.1, 0.5, 0.9]) == pytest.approx([0.045, 0.225, 0.405], abs=0.02)
    flat = part.images.reshape(3000, -1) / 255
    for question in (LEFTMOST, DOTTED):
        score = RidgeClassifier(100).fit(flat[:2000], part.labels[:2000, question])
        assert score.score(flat[2000:], part.labels[2000:, question]) < 0.35


def test_the_digits_of_a_scene_keep_apart_and_within_it():
    corners = module._places(500, np.random.default_rng(0), SMALL)
    box = np.array([1.5 * SMALL.size, SMALL.size])
    assert corners.min() >= 0
    assert (corners + box).max() <= 1
    for a, b in ((0, 1), (0, 2), (1, 2)):
        assert (np.abs(corners[:, a] - corners[:, b]) >= box).any(1).all()


def test_one_file_of_the_cache_serves_both_labels(own_cache):
    first = relations(None, seed=0, scene=SMALL)
    relations_local(None, seed=0, scene=SMALL)
    (file,) = own_cache.iterdir()
    kept = {key: value.copy() for key, value in np.load(file).items()}
    kept["train_images"][0] = 77
    np.savez(file, **kept)
    again = relations_local(None, seed=0, scene=SMALL)
    assert (again.images[0] == 77).all()
    assert np.array_equal(again.images[1:], first.images[1:])
