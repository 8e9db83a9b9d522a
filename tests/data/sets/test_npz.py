"""Images in a numpy archive: its forms, and every misuse."""

import numpy as np
import pytest

from nas.data import load
from nas.data.sets.npz import npz
from nas.errors import DataError
from nas.testing import DataSuite

X = np.random.default_rng(0).integers(0, 256, (30, 9, 9), dtype=np.uint8)
Y = np.arange(30) % 3


def saved(folder, **arrays):
    np.savez(folder / "set.npz", **arrays)
    return f"npz:{folder / 'set.npz'}"


class TestConformance(DataSuite):
    kind = npz

    @pytest.fixture
    def path(self, tmp_path):
        saved(tmp_path, x=X, y=Y)
        return tmp_path / "set.npz"


@pytest.mark.parametrize(
    ("shape", "channels"),
    [((9, 9), 1), ((9, 9, 1), 1), ((9, 9, 3), 3), ((1, 9, 9), 1), ((3, 9, 9), 3)],
)
def test_layouts(tmp_path, shape, channels):
    images = np.random.default_rng(1).integers(0, 256, (30, *shape), dtype=np.uint8)
    data = load(saved(tmp_path, x=images, y=Y))
    expected = images.transpose(0, 3, 1, 2) if shape[-1] in (1, 3) else images.reshape(30, channels, 9, 9)
    assert np.array_equal(data.images, expected)
    assert data.name == "npz:set.npz"
    assert not data.mirror


def test_floats_become_bytes(tmp_path):
    assert np.array_equal(load(saved(tmp_path, x=X / 255, y=Y)).images[:, 0], X)


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (np.array([7, -2, 40])[Y], ("-2", "7", "40")),
        (np.array(["stop", "go", "turn"])[Y], ("go", "stop", "turn")),
        (Y[:, None], ("0", "1", "2")),
        (Y.astype(np.uint64), ("0", "1", "2")),
    ],
)
def test_labels_are_numbered_in_order(tmp_path, labels, classes):
    data = load(saved(tmp_path, x=X, y=labels))
    assert data.classes == classes
    assert [data.classes[label] for label in data.labels] == [str(label) for label in labels.ravel()]


def test_the_test_part_is_kept(tmp_path):
    data = load(saved(tmp_path, train_x=X, train_y=Y, test_x=X[:6], test_y=Y[:6], notes=np.array("anything")))
    assert data.test.tolist() == list(range(30, 36))
    assert len(data.validation) == 6


def test_oblong_images_and_resolution(tmp_path):
    assert load(saved(tmp_path, x=X[:, :5], y=Y)).images.shape == (30, 1, 5, 5)
    assert load(saved(tmp_path, x=X, y=Y), resolution=16).images.shape == (30, 1, 16, 16)


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({}, "holds nothing; needed are 'train_x'"),
        ({"images": X, "labels": Y}, "holds images, labels; needed are 'train_x'"),
        ({"x": X}, "holds x; needed are 'train_x'"),
        ({"train_y": Y}, "holds train_y; needed are 'train_x'"),
        ({"test_x": X, "test_y": Y}, "needed are 'train_x'"),
        ({"train_x": X, "train_y": Y, "x": X, "y": Y}, "needed are 'train_x'"),
        ({"train_x": X, "train_y": Y, "test_x": X}, "holds train_x, train_y, test_x; needed"),
        ({"train_x": X, "train_y": Y, "test_x": X[:, 1:], "test_y": Y}, "differ in shape"),
        ({"x": X[:29], "y": Y}, "29 images in 'x', but 30 labels in 'y'"),
        ({"x": X[0], "y": Y}, r"'x' has shape \(9, 9\)"),
        ({"x": X[:, :, :, None].repeat(4, 3), "y": Y}, r"'x' has shape \(30, 9, 9, 4\)"),
        ({"x": X[:, :0], "y": Y}, "at least one pixel"),
        ({"x": X[:0], "y": Y[:0]}, "at least one pixel"),
        ({"x": X.astype(np.int64), "y": Y}, "'x' is int64; allowed are uint8 and floats"),
        ({"x": X.astype(str), "y": Y}, "allowed are uint8 and floats"),
        ({"x": X.astype(np.float32), "y": Y}, "'x' runs from 0.0 to 255.0"),
        ({"x": X - 1.0, "y": Y}, "runs from -1"),
        ({"x": np.where(X > 100, np.nan, 0.5), "y": Y}, "runs from nan"),
        ({"x": X, "y": Y.astype(float)}, "'y' is float64"),
        ({"x": X, "y": np.eye(3, dtype=int)[Y]}, r"of shape \(30, 3\)"),
        ({"x": X, "y": Y > 1}, "'y' is bool"),
        ({"x": X, "y": Y * 0}, r"found 1 class\(es\)"),
        ({"x": X, "y": np.arange(30)}, "too few training images"),
        ({"x": X, "y": Y.astype(object)}, "cannot be read as a numpy archive of plain arrays"),
    ],
)
def test_a_bad_archive_is_explained(tmp_path, arrays, says):
    with pytest.raises(DataError, match=says):
        load(saved(tmp_path, **arrays))


@pytest.mark.parametrize("content", [b"", b"not an archive", b"PK\3\4" + b"\0" * 50, b"\x80\x04]."])
def test_another_kind_of_file(tmp_path, content):
    (tmp_path / "set.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"set\.npz: cannot be read"):
        load(f"npz:{tmp_path / 'set.npz'}")


def test_a_single_array(tmp_path):
    with (tmp_path / "set.npz").open("wb") as file:
        np.save(file, X)
    with pytest.raises(DataError, match="a single array"):
        load(f"npz:{tmp_path / 'set.npz'}")


def test_damaged_archives_never_load_quietly(tmp_path):
    np.savez_compressed(tmp_path / "set.npz", x=X, y=Y)
    whole = (tmp_path / "set.npz").read_bytes()
    intact = load(f"npz:{tmp_path / 'set.npz'}")
    rng = np.random.default_rng(0)
    for _ in range(200):
        damaged = bytearray(whole)
        damaged[rng.integers(len(whole))] ^= 1 << rng.integers(8)
        (tmp_path / "set.npz").write_bytes(damaged[: rng.integers(len(whole))] if rng.random() < 0.3 else damaged)
        try:
            data = load(f"npz:{tmp_path / 'set.npz'}")
        except DataError:
            continue
        assert np.array_equal(data.images, intact.images)  # only a date or the like was hit
