"""Copies of training images among those to judge by: counted pixel for pixel, and told where they are many."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nas.data import load
from nas.data.copies import copies, flattered
from nas.record.fingerprint import fingerprint

MANY = {"parts": {"train": 300, "validation": 100, "test": 50}}


@pytest.fixture
def doubled(tmp_path: Path) -> str:
    """A folder of images each of which lies there a second time."""
    rng = np.random.default_rng(0)
    for name in "ab":
        (tmp_path / name).mkdir()
        for i in range(30):
            image = Image.fromarray(rng.integers(0, 255, (8, 8, 3), np.uint8))
            for file in (f"{i}.png", f"{i} (copy).png"):
                image.save(tmp_path / name / file)
    return f"image_folder:{tmp_path}"


def test_images_to_judge_by_that_are_trained_on_are_counted(doubled: str) -> None:
    data = load(doubled, resolution=8)
    trained = {data.images[row].tobytes() for row in data.train}
    expected = {part: sum(data.images[row].tobytes() in trained for row in getattr(data, part))
                for part in ("validation", "test")}  # fmt: skip
    assert min(expected.values()) > 5
    assert copies(data) == fingerprint(data)["copies"] == expected
    said = flattered(fingerprint(data))
    assert said.startswith(f"{expected['validation']} of 24 validation images and {expected['test']} of 24 test images")


def test_pictures_outside_memory_are_not_counted(doubled: str) -> None:
    data = load(doubled, resolution=8, in_memory=False)
    assert copies(data) is None
    assert flattered(fingerprint(data)) == ""


def test_what_ships_has_none() -> None:
    assert copies(load("cluttered_digits")) == {"validation": 0, "test": 0}


@pytest.mark.parametrize(
    ("counts", "says"),
    [
        ({"validation": 1, "test": 0}, "1 of 100 validation images are also among"),
        ({"validation": 0, "test": 7}, "7 of 50 test images are also among"),
        ({"validation": 0, "test": 0}, ""),
        (None, ""),
    ],
)
def test_few_are_not_told_and_records_without_a_count_tell_nothing(counts: dict[str, int] | None, says: str) -> None:
    said = flattered(MANY | {"copies": counts})
    assert said.startswith(says)
    assert bool(said) == bool(says)
    assert flattered(MANY) == flattered({}) == ""
    rare = {"parts": {"validation": 1000, "test": 1000}, "copies": {"validation": 9, "test": 0}}
    assert flattered(rare) == ""
