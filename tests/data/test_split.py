"""What a reader of data of one's own hands over is held against what a data set is."""

import numpy as np
import pytest

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
