"""Boxes as labels: packed and unpacked, and from a picture's pixels to the square and back."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nas.data import boxes
from nas.data.boxes import CLASS, COLUMNS, CROWD, H, W, X, Y
from nas.data.pictures import share_of
from nas.data.sets import Split, assemble
from nas.errors import DataError

SHARES = st.floats(0, 1, width=32)
SIZES = st.tuples(st.integers(1, 5000), st.integers(1, 5000))


@st.composite
def ragged(draw):
    """The boxes of some images, none of some."""
    counts = draw(st.lists(st.integers(0, 4), max_size=5))
    images = [draw(arrays(np.float32, (count, COLUMNS), elements=SHARES)) for count in counts]
    for found in images:
        found[:, CLASS] = np.arange(len(found))
    return images


@given(ragged())
def test_what_is_packed_comes_out_again(images):
    packed = boxes.pack(images)
    assert packed.shape == (len(images), max([1, *map(len, images)]), COLUMNS)
    assert packed.dtype == np.float32
    assert (packed[~boxes.held(packed)] == [-1, 0, 0, 0, 0, 0]).all()
    for found, given_boxes in zip(boxes.unpack(packed), images, strict=True):
        assert np.array_equal(found, given_boxes)


@given(ragged(), ragged())
def test_parts_are_stacked_whatever_the_most_of_each(first, second):
    assert np.array_equal(boxes.stack([boxes.pack(first), boxes.pack(second)]), boxes.pack([*first, *second]))


def test_boxes_are_counted_without_crowds():
    labels = boxes.pack([[(0, 0.5, 0.5, 1, 1, 0), (2, 0.5, 0.5, 1, 1, 0)], [], [(2, 0.5, 0.5, 1, 1, 1)]])
    assert boxes.count(labels, 3) == ([1, 0, 1], 2)


@given(SIZES, st.integers(1, 1024), arrays(np.float64, (5, 2, 2), elements=st.floats(0, 1)))
def test_a_box_comes_back_to_the_picture_s_pixels(size, side, shares):
    corners = np.sort(shares, axis=1).reshape(5, 4) * (*size, *size)
    laid = boxes.to_square(corners, size, share_of(size, side))
    assert laid.min() >= 0
    assert (laid[:, :2] + laid[:, 2:] / 2).max() <= 1 + 1e-9
    assert boxes.to_picture(laid, size, share_of(size, side)) == pytest.approx(corners, abs=1e-6 * max(size))


def test_a_whole_picture_lies_in_the_upper_left():
    assert share_of((200, 100), 64) == (1, 0.5)
    laid = boxes.to_square(np.array([100, 0, 200, 100]), (200, 100), (1, 0.5))
    assert laid.tolist() == [0.75, 0.25, 0.5, 0.5]
    assert boxes.to_picture(np.array([0.5, 0.5, 1, 1]), (200, 100), (1, 0.5)).tolist() == [0, 0, 200, 100]


def split(count, most=1):
    return Split(np.zeros((count, 1, 4, 4), np.uint8), boxes.pack([[(0, 0.5, 0.5, 1, 1, 0)] * most] * count))


def test_missing_parts_are_cut_by_the_seed_and_parts_of_unequal_most_are_joined():
    def data(seed):
        return assemble("set", ("face",), split(20), test=split(4, 3), seed=seed, resolution=None, mirror=True,
                        targets="boxes")  # fmt: skip

    assert data(0).parts == {"train": 16, "validation": 4, "test": 4}
    assert data(0).labels.shape == (24, 3, COLUMNS)
    assert data(0).test.tolist() == [20, 21, 22, 23]
    assert data(1).validation.tolist() == data(1).validation.tolist() != data(0).validation.tolist()
    assert data(0).labels[0, 0, [X, Y, W, H, CROWD]].tolist() == [0.5, 0.5, 1, 1, 0]


def test_which_classes_an_image_shows():
    labels = boxes.pack([[], [(1, 0.5, 0.5, 1, 1, 0)], [(0, 0.5, 0.5, 1, 1, 0), (1, 0.5, 0.5, 1, 1, 1)]])
    assert boxes.shown(labels, 2).tolist() == [[False, False], [False, True], [True, False]]


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize(
    "pictures",
    [
        [[0]] * 3 + [[]] * 9,
        [[0]] * 9 + [[0, 1]],
        [[0], [0], [0], [1], *[[]] * 16],
        [[1], [0], [], [0, 1]],
        [[0], [1], [0, 1], *[[]] * 6],
    ],
)
def test_no_class_is_cut_off_whole_and_every_part_has_boxes(seed, pictures):
    labels = boxes.pack([[(one, 0.5, 0.5, 1, 1, 0) for one in shown] for shown in pictures])
    images = np.arange(len(labels), dtype=np.uint8)[:, None, None, None] * np.ones((1, 1, 4, 4), np.uint8)
    found = assemble("set", ("face", "hand"), Split(images, labels), seed=seed, resolution=None, mirror=True,
                     targets="boxes")  # fmt: skip
    parts = (found.train, found.validation, found.test)
    shown = [boxes.shown(found.labels[part], 2) for part in parts]
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(labels)))
    assert all(np.array_equal(part, np.sort(part)) for part in parts)
    assert np.array_equal(shown[0].any(0), boxes.shown(labels, 2).any(0))
    assert all(part.any() for part in shown)


def test_as_many_classes_as_images_are_divided_all_the_same():
    labels = boxes.pack([[(one, 0.5, 0.5, 1, 1, 0)] for one in range(4)])
    found = assemble("set", tuple("abcd"), Split(np.zeros((4, 1, 4, 4), np.uint8), labels), seed=0, resolution=None,
                     mirror=True, targets="boxes")  # fmt: skip
    assert found.parts == {"train": 2, "validation": 1, "test": 1}


def test_many_classes_of_many_images_are_divided_in_a_moment():
    rng = np.random.default_rng(0)
    labels = np.full((40_000, 3, COLUMNS), (0, 0.5, 0.5, 1, 1, 0), np.float32)
    labels[..., CLASS] = rng.integers(0, 400, labels.shape[:2])
    images = np.zeros((len(labels), 1, 1, 1), np.uint8)
    start = time.process_time()
    found = assemble("set", tuple(map(str, range(400))), Split(images, labels), seed=0, resolution=None, mirror=True,
                     targets="boxes")  # fmt: skip
    assert found.parts == {"train": 24_000, "validation": 8_000, "test": 8_000}
    assert time.process_time() - start < 10


@pytest.mark.parametrize(("train", "says"), [(split(5, 0), "have no box"), (split(2), "found 2 .* at least 3")])
def test_too_little_to_learn_from_is_refused(train, says):
    with pytest.raises(DataError, match=says):
        assemble("set", ("face",), train, seed=0, resolution=None, mirror=True, targets="boxes")


def test_boxes_in_a_list_are_refused_with_what_to_write():
    given = split(9)
    for listed in (list(given.labels), [[] for _ in given.labels]):
        part = given._replace(labels=listed)
        with pytest.raises(DataError, match=r"set: found boxes in a list; write an array .*nas\.data\.boxes\.pack"):
            assemble("set", ("face",), part, seed=0, resolution=None, mirror=True, targets="boxes")


def test_images_with_boxes_that_are_not_square_are_refused():
    oblong = split(9)._replace(images=np.zeros((9, 1, 4, 6), np.uint8))
    with pytest.raises(DataError, match="6x4; lay them in squares"):
        assemble("set", ("face",), oblong, seed=0, resolution=None, mirror=True, targets="boxes")
