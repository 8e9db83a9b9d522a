"""Pictures outside memory: the same pixels as in memory, no more of them than asked for, and what cannot be read."""

import pickle
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from picture_folders import damage, write
from PIL import Image

from nas.data import load, stored
from nas.data.sets.image_folder import image_folder
from nas.data.stored import Names, gather
from nas.errors import DataError
from nas.testing import DataSuite


def both(folder: Path, **how):
    return [load(f"image_folder:{folder}", in_memory=held, **how) for held in (True, False)]


class TestConformance(DataSuite):
    """The suite of data sets, of pictures that do not fit."""

    kind = image_folder

    @pytest.fixture
    def path(self, tmp_path, monkeypatch):
        monkeypatch.setattr(stored, "IN_MEMORY", 1000)
        return write(tmp_path)


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("ending", ["jpg", "png"])
@pytest.mark.parametrize("resolution", [None, 20])
def test_pixels_labels_and_parts_are_those_of_memory(tmp_path, mode, ending, resolution):
    held, lazy = both(write(tmp_path, mode=mode, ending=ending), resolution=resolution, seed=3)
    assert isinstance(held.images, np.ndarray)
    assert not isinstance(lazy.images, np.ndarray)
    assert lazy.images.shape == held.images.shape
    assert lazy.channels == {"RGB": 3, "L": 1}[mode]
    assert np.array_equal(lazy.images[:], held.images)
    for part in ("train", "validation", "test", "labels"):
        assert np.array_equal(getattr(lazy, part), getattr(held, part))


def test_rows_are_asked_for_as_of_an_array(tmp_path):
    held, lazy = both(write(tmp_path), resolution=8)
    every = np.arange(12)
    for rows in (0, -1, slice(2, 7, 2), np.array([5, 1, 1]), every % 3 == 0, every[:0], [4]):
        assert np.array_equal(lazy.images[rows], held.images[rows])
    with pytest.raises(IndexError):
        lazy.images[12]


def test_the_size_of_the_pixels_decides(tmp_path, monkeypatch):
    write(tmp_path, side=32)
    for bound, held in ((12 * 3 * 16 * 16, True), (12 * 3 * 16 * 16 - 1, False)):
        monkeypatch.setattr(stored, "IN_MEMORY", bound)
        assert isinstance(load(f"image_folder:{tmp_path}", resolution=16).images, np.ndarray) is held


def test_a_reader_that_does_not_know_the_choice_is_not_told(tmp_path):
    np.savez(tmp_path / "x.npz", x=np.zeros((9, 8, 8), np.uint8), y=np.arange(9) % 3)
    assert load(f"npz:{tmp_path / 'x.npz'}", in_memory=False).images.shape == (9, 1, 8, 8)


def test_memory_holds_what_is_asked_for_and_no_more(tmp_path):
    """150 pictures take 22 MB as pixels; eight at a time take 1.2."""
    write(tmp_path, count=75, side=64)
    tracemalloc.start()
    try:
        lazy = load(f"image_folder:{tmp_path}", resolution=224, in_memory=False)
        total = len(lazy.labels) * 3 * 224 * 224
        for start in range(0, 150, 8):
            lazy.images[start : start + 8]
        assert tracemalloc.get_traced_memory()[1] < total / 4
    finally:
        tracemalloc.stop()


def test_a_million_names_are_small_and_travel_without_pixels(tmp_path):
    names = Names(f"n{i:07}/é{i}.JPEG" for i in range(20_000))
    assert len(names) == 20_000
    assert names[19_999] == "n0019999/é19999.JPEG"
    assert names[0] == "n0000000/é0.JPEG"
    assert len(pickle.dumps(names)) < 20_000 * 35
    lazy = both(write(tmp_path), resolution=224)[1]
    assert len(pickle.dumps(lazy)) < 5000
    assert np.array_equal(pickle.loads(pickle.dumps(lazy)).images[3], lazy.images[3])


def test_a_file_that_is_plainly_no_picture_is_skipped_as_in_memory(tmp_path):
    write(tmp_path)
    (tmp_path / "cat" / "2.jpg").write_text("no image")
    (tmp_path / "dog" / "0.jpg").write_bytes(b"")
    Image.fromarray(np.ones((9, 9), np.float32)).save(tmp_path / "dog" / "float.tiff")
    held, lazy = both(tmp_path, resolution=16)
    assert len(lazy.skipped) == 3
    assert lazy.skipped == held.skipped
    assert np.array_equal(lazy.images[:], held.images)


def test_damage_behind_the_header_is_found_when_the_picture_is_asked_for(tmp_path):
    name = damage(write(tmp_path) / "cat" / "2.jpg")
    held, lazy = both(tmp_path, resolution=16)
    assert [text.split()[0] for text in held.skipped] == [name]
    assert lazy.skipped == ()
    assert lazy.images.read(1).wrong == ""
    assert lazy.images.read(2).pixels is None
    assert lazy.images.read(2).wrong == held.skipped[0]
    with pytest.raises(DataError, match=f"^{name} .*cannot be read as an image"):
        lazy.images[[1, 2, 3]]
    found = gather(lazy.images, np.array([3, 2, 1]))
    assert found.readable.tolist() == [True, False, True]
    assert found.unreadable == list(held.skipped)
    assert np.array_equal(found.pixels, lazy.images[[3, 1]])


def test_the_parts_are_the_same_whether_damage_is_found_early_or_late(tmp_path):
    """A training at many pixels must not see what a search at few kept for the test."""
    write(tmp_path, count=30, side=40)
    names = {damage(tmp_path / "cat" / f"{i}.jpg") for i in range(6)}
    held, lazy = both(tmp_path, resolution=16)
    for part in ("train", "validation", "test"):
        kept = [row for row in getattr(lazy, part) if lazy.images.name(row) not in names]
        assert len(kept) == len(getattr(held, part))
        assert np.array_equal(lazy.images[kept], held.images[getattr(held, part)])
        assert np.array_equal(lazy.labels[kept], held.labels[getattr(held, part)])


def test_a_class_of_which_nothing_is_left_is_refused(tmp_path):
    for file in (write(tmp_path, side=40) / "dog").iterdir():
        damage(file)
    with pytest.raises(DataError, match=r"no readable image is left of .*; 6 cannot be read, the first dog/0\.jpg"):
        load(f"image_folder:{tmp_path}", resolution=16)


def test_a_picture_that_vanishes_is_named(tmp_path):
    lazy = both(write(tmp_path), resolution=16)[1]
    (tmp_path / "cat" / "0.jpg").unlink()
    assert lazy.images.read(0).wrong.startswith("cat/0.jpg (missing file: ")
    assert str(tmp_path) not in lazy.images.read(0).wrong
