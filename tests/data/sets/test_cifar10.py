"""CIFAR-10, binary and pickled, whole and damaged."""

import os
import pickle
from contextlib import suppress

import numpy as np
import pytest

from nas.data import load
from nas.data.sets.cifar10 import cifar10
from nas.errors import DataError
from nas.testing import DataSuite

BATCHES = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]


def batch(number: int, size: int = 20):
    rng = np.random.default_rng(number)
    return rng.integers(0, 256, (size, 3072), dtype=np.uint8), np.arange(size) % 10


def write_binary(folder):
    folder.mkdir(exist_ok=True)
    for number, name in enumerate(BATCHES):
        pixels, labels = batch(number)
        (folder / f"{name}.bin").write_bytes(np.column_stack([labels.astype(np.uint8), pixels]).tobytes())
    return folder


def write_pickled(folder, protocol=2):
    folder.mkdir(exist_ok=True)
    for number, name in enumerate(BATCHES):
        pixels, labels = batch(number)
        (folder / name).write_bytes(pickle.dumps({"data": pixels, "labels": labels.tolist()}, protocol))
    return folder


def check(data):
    assert data.images.shape == (120, 3, 32, 32)
    assert [len(part) for part in (data.train, data.validation, data.test)] == [80, 20, 20]
    assert np.array_equal(data.images[data.test].reshape(20, -1), batch(5)[0])
    assert np.array_equal(data.images[20:40].reshape(20, -1), batch(1)[0])
    assert data.labels.tolist() == list(range(10)) * 12
    assert data.mirror


class TestConformance(DataSuite):
    kind = cifar10

    @pytest.fixture
    def path(self, tmp_path):
        return write_binary(tmp_path)


def test_binary_batches(tmp_path):
    data = load(f"cifar10:{write_binary(tmp_path)}")
    check(data)
    assert data.classes[:2] == ("airplane", "automobile")


@pytest.mark.parametrize("protocol", range(6))
def test_pickled_batches(tmp_path, protocol):
    check(load(f"cifar10:{write_pickled(tmp_path, protocol)}"))


def test_a_pickle_as_python_2_wrote_it(tmp_path):
    write_pickled(tmp_path, protocol=0)
    for name in BATCHES:
        old = (tmp_path / name).read_bytes().replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
        (tmp_path / name).write_bytes(old)
    check(load(f"cifar10:{tmp_path}"))


@pytest.mark.parametrize(
    ("write", "sub"), [(write_binary, "cifar-10-batches-bin"), (write_pickled, "cifar-10-batches-py")]
)
def test_the_unpacked_archive_is_found(tmp_path, write, sub):
    write(tmp_path / sub)
    check(load(f"cifar10:{tmp_path}"))


def test_class_names_come_from_the_files(tmp_path):
    names = list("ABCDEFGHIJ")
    write_binary(tmp_path / "b")
    (tmp_path / "b" / "batches.meta.txt").write_text("\n".join(names) + "\n\n")
    assert load(f"cifar10:{tmp_path / 'b'}").classes == tuple(names)
    write_pickled(tmp_path / "p")
    for kind in (str, str.encode):
        meta = {"label_names": [kind(name) for name in names]}
        (tmp_path / "p" / "batches.meta").write_bytes(pickle.dumps(meta))
        assert load(f"cifar10:{tmp_path / 'p'}").classes == tuple(names)


def spoil(folder, name, content):
    (folder / name).write_bytes(content)
    return folder


def refused(folder, says):
    with pytest.raises(DataError, match=says):
        load(f"cifar10:{folder}")


def test_an_empty_folder(tmp_path):
    refused(tmp_path, "holds neither data_batch_1.bin nor data_batch_1")


def test_a_missing_batch(tmp_path):
    (write_binary(tmp_path) / "data_batch_3.bin").unlink()
    refused(tmp_path, r"data_batch_3\.bin is missing\. Unpack the archive")


@pytest.mark.parametrize("size", [0, 1, 3072, 3074])
def test_a_binary_batch_cut_short(tmp_path, size):
    refused(spoil(write_binary(tmp_path), "data_batch_2.bin", b"\1" * size), r"data_batch_2\.bin: .*cut short")


def test_a_label_of_another_set(tmp_path):
    refused(spoil(write_binary(tmp_path), "test_batch.bin", b"\xff" * 3073), r"test_batch\.bin: labels from 255")


def test_wrong_class_names(tmp_path):
    refused(spoil(write_binary(tmp_path), "batches.meta.txt", b"cat dog"), "names 2 classes")


@pytest.mark.parametrize(
    "content",
    [
        [1, 2],
        {"labels": [1]},
        {"data": np.zeros((1, 3072), np.uint8)},
        {"data": "pixels", "labels": [1]},
        {"data": np.zeros((1, 3072), np.uint8), "labels": [1, 2]},
        {"data": np.zeros((1, 3000), np.uint8), "labels": [1]},
        {"data": np.zeros((1, 3072), np.float32), "labels": [1]},
        {"data": np.zeros((1, 3072), np.uint8), "labels": ["cat"]},
        {"data": np.zeros((1, 3072), np.uint8), "labels": [10]},
        {"data": np.zeros((1, 3072), np.uint8), "labels": [-1]},
        {"data": np.zeros((2, 3072), np.uint8), "labels": [[1], [2, 3]]},
    ],
)
def test_a_pickle_of_something_else(tmp_path, content):
    refused(spoil(write_pickled(tmp_path), "data_batch_1", pickle.dumps(content)), "data_batch_1: ")


class Malicious:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", range(6))
def test_a_malicious_pickle_never_runs(tmp_path, protocol):
    trap = tmp_path / "trap"
    for function, argument in [(os.mkdir, str(trap)), (eval, f"__import__('os').mkdir({str(trap)!r})"), (open, "x")]:
        content = {"data": Malicious(function, argument), "labels": [1]}
        folder = spoil(write_pickled(tmp_path), "data_batch_1", pickle.dumps(content, protocol))
        refused(folder, r"data_batch_1: names \w+\.\w+; a batch holds plain arrays only")
    assert not trap.exists()


def test_only_the_encoding_of_bytes_is_admitted(tmp_path):
    content = b"c_codecs\nencode\n(Vabc\nVrot13\ntR."
    refused(spoil(write_pickled(tmp_path), "data_batch_1", content), "not a readable pickle")


def test_damaged_pickles_are_refused_or_harmless(tmp_path):
    file = write_pickled(tmp_path) / "data_batch_1"
    whole = file.read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(150):
        damaged = bytearray(whole[: rng.integers(len(whole))] if rng.random() < 0.5 else whole)
        for place in rng.integers(0, min(len(damaged), 400), 3) if damaged else ():
            damaged[place] = rng.integers(256)
        file.write_bytes(damaged)
        with suppress(DataError):
            load(f"cifar10:{tmp_path}")
