"""What a reader of data of one's own hands over is held against what a data set is."""

import numpy as np
import pytest

from nas.data import boxes
from nas.data.sets import Split, assemble
from nas.errors import DataError

IMAGES, LABELS = np.zeros((12, 1, 8, 8), np.uint8), np.arange(12) % 2


@pytest.mark.parametrize(
    ("images", "labels", "says"),
    [
        ((IMAGES / 255).astype(np.float32), LABELS, "set: found images of float32; write uint8, pixels from 0 to 255"),
        (IMAGES[:, 0], LABELS, r"set: found images of shape \(12, 8, 8\); write \(images, channels, height, width\)"),
        (IMAGES, LABELS[:10], "set: found 12 images and 10 labels; write one label an image"),
        (IMAGES, np.arange(12) % 3, "set: found labels from 0 to 2; of 2 classes they go from 0 to 1"),
        (IMAGES, LABELS - 1, "set: found labels from -1 to 0; of 2 classes they go from 0 to 1"),
    ],
)
@pytest.mark.parametrize("part", ["train", "test"])
def test_what_is_no_split_is_refused(images, labels, says, part):
    parts = {"train": Split(IMAGES, LABELS)} | {part: Split(images, labels)}
    with pytest.raises(DataError, match=says):
        assemble("set", ("a", "b"), **parts, seed=0, resolution=None, mirror=False)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ([5, 0.5, 0.5, 0.2, 0.2, 0], "set: found a box of class 5; of 2 classes they go from 0 to 1, and -1 is no box"),
        ([0.5, 0.5, 0.5, 0.2, 0.2, 0], "set: found a box of class 0.5; of 2 classes"),
        ([np.nan, 0.5, 0.5, 0.2, 0.2, 0], "set: found a box of class nan; of 2 classes"),
        ([1, 8, 8, 4, 4, 0], "set: found a box with 8; write shares of the image's sides, from 0 to 1"),
        ([1, np.nan, 0.5, 0.2, 0.2, 0], "set: found a box with nan; write shares"),
        ([1, -0.25, 0.5, 0.2, 0.2, 0], "set: found a box with -0.25; write shares"),
    ],
)
@pytest.mark.parametrize("part", ["train", "test"])
def test_what_is_no_box_is_refused(row, says, part):
    sound = boxes.pack([[1, 0.5, 0.5, 0.2, 0.2, 0]] * 12)
    wrong = boxes.pack([[[1, 0.5, 0.5, 0.2, 0.2, 0], row]] * 12)
    with pytest.raises(DataError, match=says):
        boxed({"train": sound, part: wrong})


def test_boxes_have_six_columns_and_rows_without_any_may_hold_anything():
    with pytest.raises(
        DataError, match=r"set: found boxes of shape \(12, 3, 5\); write \(images, boxes, 6\), as nas.data"
    ):
        boxed({"train": np.zeros((12, 3, 5), np.float32)})
    labels = np.stack([boxes.pack([[1, 0.5, 0.5, 0.2, 0.2, 0]] * 12)[:, 0], np.full((12, 6), -1, np.float32)], 1)
    assert (boxed({"train": labels}).labels[:, :, boxes.CLASS] == 1).all()


def boxed(labels):
    parts = {part: Split(IMAGES, given) for part, given in labels.items()}
    return assemble("set", ("a", "b"), **parts, seed=0, resolution=None, mirror=False, targets="boxes")
