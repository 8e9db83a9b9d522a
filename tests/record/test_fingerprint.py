"""The fingerprint of data: what is other is said in words, and what only decodes otherwise is a warning."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_trainings import drawn_images

from nas.data import boxes
from nas.data.sets import Dataset
from nas.data.stored import StoredPictures
from nas.errors import DataError
from nas.record import fingerprint as prints
from nas.record.fingerprint import check_data, difference, fingerprint
from nas.registry import DATA as DATA_SETS

DATA = drawn_images([20, 12, 8])


def labelled(**changes: Any) -> Dataset:
    return replace(DATA, **changes)


def test_the_same_data_are_the_same_after_a_way_through_json() -> None:
    known = json.loads(json.dumps(fingerprint(DATA)))
    assert known["counts"] == [26, 18, 14]
    assert difference(known, fingerprint(drawn_images([20, 12, 8]))) == ""
    assert check_data(known, DATA, "runs/a", "begin another search") == []
    assert check_data({}, drawn_images([4, 4]), "an older run", "") == []


@pytest.mark.parametrize(
    ("other", "says"),
    [
        (drawn_images([20, 12, 8, 9]), "the class 'class 3' is new"),
        (drawn_images([20, 12]), "the class 'class 2' is lacking"),
        (drawn_images([20]), "the classes 'class 1', 'class 2' are lacking"),
        (labelled(classes=("class 0", "owl", "class 2")), "the class 'class 1' is called 'owl'"),
        (labelled(classes=("class 2", "class 1", "class 0")), "its classes are in another order"),
        (drawn_images([20, 13, 8]), "'class 1' has 19 images, not 18"),
        (drawn_images([20, 12, 8], channels=3), "its images have 3 channels, not 1"),
        (drawn_images([20, 12, 8], side=16), "its images have 16 pixels on a side, not 8"),
        (labelled(train=DATA.train[1:], test=np.append(DATA.test, 0)), "its train part has 39 images, not 40"),
        (labelled(labels=DATA.labels[[1, *range(1, 58)]][::-1].copy()), "other labels, or lie in other parts"),
        (labelled(images=DATA.images ^ 1), "its images have other pixels"),
    ],
)
def test_what_is_other_is_said(other: Dataset, says: str) -> None:
    assert says in difference(fingerprint(DATA), fingerprint(other))
    with pytest.raises(
        DataError, match=f"drawn is not what runs/a began with: .*{says}.* Put the data back .*, or wait"
    ):
        check_data(fingerprint(DATA), other, "runs/a", "wait")


def boxed(*classes: int, targets: str = "boxes") -> Dataset:
    """Images with a box of each of some classes, the last without any."""
    rows = [[(number, 0.5, 0.5, 0.2, 0.2, 0) for number in classes]] * (len(DATA.labels) - 1)
    return labelled(labels=boxes.pack([*rows, []]), targets=targets)


def test_boxes_are_counted_by_class_with_the_images_that_have_none() -> None:
    known = json.loads(json.dumps(fingerprint(boxed(0, 2))))
    assert (known["counts"], known["bare"]) == ([57, 0, 57], 1)
    assert check_data(known, boxed(0, 2), "runs/a", "") == []
    assert difference(known, fingerprint(boxed(0, 2, 1))) == "'class 1' has 57 boxes, not 0"
    moved = boxed(0, 2)
    moved.labels[3, 0, boxes.X] += 1e-3
    assert difference(known, fingerprint(moved)) == "its images have other labels, or lie in other parts"


def test_an_image_that_can_be_read_no_more_is_named() -> None:
    fewer = labelled(train=DATA.train[1:], skipped=("cat/1.png (UnidentifiedImageError)",))
    with pytest.raises(DataError, match=r"has 25 images, not 26.* \(cat/1\.png \(UnidentifiedImageError\)\)"):
        check_data(fingerprint(DATA), fewer, "runs/a", "")


def test_parts_that_an_earlier_nas_cut_without_a_class_are_no_fault_of_the_data() -> None:
    lacking = 2
    assert lacking not in DATA.labels[DATA.validation]
    brought, off = DATA.train[DATA.labels[DATA.train] == lacking][0], DATA.validation[0]
    whole = labelled(
        train=np.sort([*DATA.train[DATA.train != brought], off]), validation=np.sort([*DATA.validation[1:], brought])
    )
    with pytest.raises(
        DataError, match=r"an earlier nas cut a part that lacks a class, .*: go on with that nas, or wait"
    ):
        check_data(fingerprint(DATA), whole, "runs/a", "wait")


def test_pixels_of_another_decoder_are_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    known = fingerprint(DATA)
    monkeypatch.setattr(prints, "_readers", lambda: known["readers"] | {"pillow": "99.0"})
    (said,) = check_data(known, labelled(images=DATA.images ^ 1), "runs/a", "")
    assert "decoded a little otherwise than when runs/a began (pillow " in said
    assert "99.0 now" in said


@pytest.mark.parametrize(
    ("change", "known"),
    [
        (lambda folder: None, True),
        (lambda folder: (folder / "7.png").write_bytes(b"longer than it was"), False),
        (lambda folder: (folder / "7.png").unlink(), False),
    ],
)
def test_pictures_that_are_decoded_later_are_known_by_names_and_sizes(
    tmp_path: Path, change: Callable[[Path], object], known: bool
) -> None:
    names = [f"{i}.png" for i in range(len(DATA.labels))]
    for name in names:
        (tmp_path / name).write_bytes(b"no pixel is read")
    pictures = labelled(images=StoredPictures(tmp_path, names, 8, 1))
    before = fingerprint(pictures)
    change(tmp_path)
    assert (difference(before, fingerprint(pictures)) == "") == known
    renamed = labelled(images=StoredPictures(tmp_path, [*names[:-1], "z.png"], 8, 1))
    assert difference(before, fingerprint(renamed)) == "its files have other names or sizes"


def test_data_cut_by_another_seed_differ_in_what_seeds_do_alone() -> None:
    one, other = (fingerprint(DATA_SETS.get("digits")(None, seed=seed)) for seed in (0, 1))
    assert difference(one, other) != ""
    assert difference(one, other, one_seed=False) == ""
    fewer = {**other, "parts": {**other["parts"], "train": other["parts"]["train"] - 1}}
    assert difference(one, fewer, one_seed=False) == "there are 1,796 images, not 1,797"
    renamed = {**other, "classes": ["zero", *other["classes"][1:]]}
    assert "called 'zero'" in difference(one, renamed, one_seed=False) or "new" in difference(
        one, renamed, one_seed=False
    )
