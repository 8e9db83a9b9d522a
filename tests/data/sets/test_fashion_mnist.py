"""Fashion-MNIST and MNIST: idx files, compressed or not, whole and damaged."""

import gzip
import struct
from functools import partial

import numpy as np
import pytest

from nas.data import load
from nas.data.sets.fashion_mnist import fashion_mnist, mnist
from nas.errors import DataError
from nas.testing import DataSuite


def idx(array, dimensions=None):
    head = bytes([0, 0, 8, dimensions or array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.astype(np.uint8).tobytes()


packed = partial(gzip.compress, mtime=0)  # the same bytes at any time: they are parts of the names of tests


def write(folder, pack=packed, ending=".gz", test_side=28):
    for part, size, side in (("train", 100, 28), ("t10k", 30, test_side)):
        images = np.random.default_rng(size).integers(0, 256, (size, side, side))
        (folder / f"{part}-images-idx3-ubyte{ending}").write_bytes(pack(idx(images)))
        (folder / f"{part}-labels-idx1-ubyte{ending}").write_bytes(pack(idx(np.arange(size) % 10)))
    return folder


class TestFashion(DataSuite):
    kind = fashion_mnist

    @pytest.fixture
    def path(self, tmp_path):
        return write(tmp_path)


class TestDigits(DataSuite):
    kind = mnist

    @pytest.fixture
    def path(self, tmp_path):
        return write(tmp_path)


def test_digits_are_no_clothes_and_never_mirrored(tmp_path):
    clothes, digits = (load(f"{kind}:{write(tmp_path)}") for kind in ("fashion_mnist", "mnist"))
    assert digits.classes == tuple("0123456789")
    assert (clothes.mirror, digits.mirror) == (True, False)
    assert np.array_equal(clothes.images, digits.images)
    (tmp_path / LABELS).unlink()
    with pytest.raises(DataError, match=r"^mnist: "):
        load(f"mnist:{tmp_path}")


@pytest.mark.parametrize(("pack", "ending"), [(packed, ".gz"), (bytes, "")])
def test_both_forms_are_read(tmp_path, pack, ending):
    data = load(f"fashion_mnist:{write(tmp_path, pack, ending)}")
    assert data.images.shape == (130, 1, 28, 28)
    assert [len(part) for part in (data.train, data.validation, data.test)] == [80, 20, 30]
    assert np.array_equal(data.images[data.test][:, 0], np.random.default_rng(30).integers(0, 256, (30, 28, 28)))
    assert data.labels.tolist() == list(range(10)) * 13
    assert data.classes[-1] == "Ankle boot"


def test_images_are_resized(tmp_path):
    assert load(f"fashion_mnist:{write(tmp_path)}", resolution=32).images.shape == (130, 1, 32, 32)


IMAGES, LABELS = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"
GOOD = idx(np.zeros((100, 28, 28)))


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        (IMAGES, None, r"is missing\. Fetch the four files"),
        (IMAGES, b"", "starts with nothing"),
        (IMAGES, b"not compressed", "Not a gzipped file"),
        (IMAGES, packed(GOOD)[:60], "cannot be read"),
        (IMAGES, packed(GOOD)[:30] + b"\xff" * 30, "cannot be read"),
        (IMAGES, packed(b"\0\0"), "starts with 0000"),
        (IMAGES, packed(b"\0\0\x0b\3" + GOOD[4:]), "starts with 00000b03"),
        (IMAGES, packed(GOOD[:9]), "cut short"),
        (IMAGES, packed(GOOD[:-1]), "announces 100x28x28 bytes, holds 78399"),
        (IMAGES, packed(GOOD + b"\0"), "announces 100x28x28 bytes, holds 78401"),
        (IMAGES, packed(b"\0\0\x08\3" + b"\xff" * 12), "cut short"),
        (IMAGES, packed(idx(np.zeros((99, 28, 28)))), "99 train images and 100 labels"),
        (IMAGES, packed(idx(np.zeros((100, 0, 28)))), "different sets"),
        (LABELS, packed(GOOD), "starts with 00000803"),
        (LABELS, packed(idx(np.full(100, 11))), "label 11"),
        (LABELS, packed(idx(np.zeros(100))), "too few training images"),
    ],
)
def test_a_bad_file_is_named(tmp_path, name, content, says):
    (write(tmp_path) / name).unlink()
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=says):
        load(f"fashion_mnist:{tmp_path}")


def test_parts_of_different_sets(tmp_path):
    with pytest.raises(DataError, match="different sets"):
        load(f"fashion_mnist:{write(tmp_path, test_side=32)}")
