"""The names that parts of data sets have on people's disks."""

import pytest

from nas.data.parts import parts_of
from nas.errors import DataError


@pytest.mark.parametrize(
    ("train", "validation", "test"),
    [
        ("train", "val", "test"),
        ("Train", "Valid", "Test"),
        ("TRAINING", "validation", "Testing"),
        ("train", "dev", "eval"),
        ("train", "eval", "test"),
        ("training_set", None, "test_set"),
        ("trainset", "valset", "testset"),
        ("train2017", "val2017", "test2017"),
        ("01_train", None, "02_holdout"),
        ("train", None, "test1"),
        ("asl_alphabet_train", None, "asl_alphabet_test"),
        ("train_images", None, None),
    ],
)
def test_the_parts_that_names_are(train, validation, test):
    given = {part: n for part, n in (("train", train), ("validation", validation), ("test", test)) if n}
    assert parts_of([*given.values(), "annotations"]) == given


@pytest.mark.parametrize(
    "names",
    [("cat", "dog"), ("val", "test"), ("valid", "invalid"), ("train_station", "bus"), ("crash test", "rain")],
)
def test_names_of_no_parts(names):
    assert parts_of(names) == {}


def test_a_part_called_plainly_comes_before_others():
    assert parts_of(["train", "test", "test2", "train_small"]) == {"train": "train", "test": "test"}


@pytest.mark.parametrize(
    "names", [("train", "val", "validation"), ("Train", "train"), ("cat_train", "cat_val", "dog_train", "dog_val")]
)
def test_two_names_of_one_part_are_refused(names):
    with pytest.raises(DataError, match=r"both '.*' and '.*' might be the (train|validation) part; rename"):
        parts_of(names)
