"""Scenes of several digits: what is drawn, and that the boxes hold the ink."""

from dataclasses import replace

import numpy as np
import pytest

from nas.data import boxes, glyphs, load
from nas.data.boxes import CLASS, CROWD, H, W, X, Y
from nas.data.sets.digit_scenes import Scene, digit_scenes, draw

SMALL = Scene(train=300, validation=60, test=60)
BARE = replace(SMALL, fragments=0, noise=0, ground=0)


@pytest.fixture(scope="module")
def scenes():
    return draw(SMALL, 0)[0]


def test_it_is_found_by_name_at_any_resolution():
    data = load("digit_scenes", resolution=32)
    assert (data.images.shape, data.labels.shape) == ((6000, 1, 32, 32), (6000, 6, 6))
    assert data.parts == {"train": 4000, "validation": 1000, "test": 1000}
    assert (data.targets, data.mirror, data.classes) == ("boxes", False, tuple("0123456789"))


def test_the_same_seed_draws_the_same_scenes_and_the_cache_keeps_them():
    first, again, other = (digit_scenes(None, seed=seed, scene=SMALL) for seed in (1, 1, 2))
    drawn = draw(SMALL, 1)
    assert np.array_equal(first.images, again.images)
    assert np.array_equal(first.images[first.train], drawn[0].images)
    assert np.array_equal(first.labels, again.labels)
    assert np.array_equal(first.labels, boxes.stack([part.labels for part in drawn]))
    assert not np.array_equal(first.images, other.images)


def test_scenes_have_none_to_six_digits_of_every_class_and_many_sizes(scenes):
    there = boxes.held(scenes.labels)
    assert np.bincount(there.sum(1)).min() > 0
    assert len(np.bincount(there.sum(1))) == 7
    found = scenes.labels[there]
    assert np.bincount(found[:, CLASS].astype(int), minlength=10).min() > 40
    assert not found[:, CROWD].any()
    height = found[:, H] * 64
    assert 8 < height.min() < 12
    assert 25 < height.max() < 29
    assert (found[:, [X, Y]] - found[:, [W, H]] / 2).min() >= 0
    assert (found[:, [X, Y]] + found[:, [W, H]] / 2).max() <= 1


def test_digits_overlap_little(scenes):
    for found in boxes.unpack(scenes.labels):
        low, high = found[:, [X, Y]] - found[:, [W, H]] / 2, found[:, [X, Y]] + found[:, [W, H]] / 2
        common = (np.minimum(high[:, None], high) - np.maximum(low[:, None], low)).clip(0).prod(-1)
        np.fill_diagonal(common, 0)
        area = found[:, [W, H]].prod(-1)
        assert (common / np.minimum(area[:, None], area)).max(initial=0) <= SMALL.overlap + 1e-6


def test_a_box_holds_the_ink_of_its_digit():
    """Of bare scenes with a digit each, at many pixels, what is bright lies within the box and reaches its edges."""
    part = draw(replace(BARE, digits=(0, 1), resolution=256, train=60), 0)[0]
    for image, labels in zip(part.images[:, 0], part.labels[:, 0], strict=True):
        rows, columns = np.nonzero(image > 0.3 * image.max())
        edges = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]) / 256
        low, high = labels[[X, Y]] - labels[[W, H]] / 2, labels[[X, Y]] + labels[[W, H]] / 2
        assert edges == pytest.approx([*low, *high], abs=1.5 / 256)


def test_boxes_do_not_depend_on_the_resolution():
    small, large = (draw(replace(SMALL, noise=0, train=80, resolution=side), 5)[0] for side in (32, 96))
    assert np.array_equal(small.labels[:50], large.labels[:50])


def test_a_scene_without_a_digit_is_dark_and_clutter_is_small():
    part = draw(replace(BARE, digits=(1, 0)), 0)[0]
    assert (part.labels[..., CLASS] == -1).all()
    assert not part.images.any()


def test_no_original_is_in_two_parts(monkeypatch):
    """Each original is a grey box of its own brightness, so that a scene tells which it shows."""
    grey = (np.arange(120, dtype=np.float32) / 240 + 0.5)[:, None, None].repeat(8, 1).repeat(8, 2)
    monkeypatch.setattr("nas.data.sets.digit_scenes.handwritten", lambda: (grey, np.arange(120) % 10))
    monkeypatch.setattr("nas.data.sets.digit_scenes._ink", lambda: np.tile([0.0, 0, 1, 1], (120, 1)))
    monkeypatch.setattr(glyphs, "handwritten", lambda: (grey, np.arange(120) % 10))
    parts = draw(replace(BARE, digits=(0, 1), contrast=(1, 1)), 0)
    train, validation, test = ({np.bincount(image.ravel())[100:].argmax() for image in p.images} for p in parts)
    assert min(map(len, (train, validation, test))) > 10
    assert not train & (validation | test)
    assert not validation & test
