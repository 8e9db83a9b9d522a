"""The images of a training, from memory and from files, and what is computed of them."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from picture_folders import damage, write
from small_trainings import CPU, drawn_images

from nas.data import Dataset, load
from nas.errors import DataError
from nas.training.full import batches as module
from nas.training.full.batches import Batches, class_weights


def slow_statistics(dataset: Dataset) -> tuple[list[float], list[float]]:
    pixels = np.stack([dataset.images[np.array([row])][0] for row in dataset.train]) / 255
    return pixels.mean((0, 2, 3)).tolist(), np.maximum(pixels.std((0, 2, 3)), 1 / 255).tolist()


# ---- statistics


@pytest.mark.parametrize("channels", [1, 3])
def test_statistics_are_those_that_numpy_computes(channels: int) -> None:
    dataset = drawn_images([30, 50], channels=channels)
    for found, expected in zip(Batches(dataset, CPU).statistics(), slow_statistics(dataset), strict=True):
        assert found == pytest.approx(expected, abs=1e-7)


def test_statistics_are_those_of_the_training_part_alone() -> None:
    dataset = drawn_images([30, 50])
    others = np.concatenate([dataset.validation, dataset.test])
    images = dataset.images.copy()
    images[others] = 255
    assert Batches(replace(dataset, images=images), CPU).statistics() == Batches(dataset, CPU).statistics()


def test_images_without_contrast_keep_a_deviation_to_divide_by() -> None:
    dataset = replace(drawn_images([5, 5]), images=np.full((22, 1, 8, 8), 77, np.uint8))
    mean, std = Batches(dataset, CPU).statistics()
    assert mean == pytest.approx([77 / 255])
    assert std == pytest.approx([1 / 255])


def test_many_images_are_represented_by_some_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SAMPLE", 10)
    dataset = drawn_images([500, 500])
    found = Batches(dataset, CPU).statistics()
    assert found == Batches(dataset, CPU).statistics()
    assert found != Batches(replace(dataset, train=dataset.train[:500]), CPU).statistics()
    assert found[0] == pytest.approx(slow_statistics(dataset)[0], abs=0.05)


# ---- images


def test_batches_are_the_rows_asked_for_from_0_to_1() -> None:
    dataset = drawn_images([20, 20], channels=3)
    rows = [np.array([3, 1, 30]), np.array([7])]
    found = list(Batches(dataset, CPU)(rows))
    for (x, y), chosen in zip(found, rows, strict=True):
        assert x.dtype == torch.float32
        assert torch.equal(x, torch.from_numpy(dataset.images[chosen]).float() / 255)
        assert torch.equal(y, torch.from_numpy(dataset.labels[chosen]))
        assert x.is_contiguous(memory_format=torch.channels_last)
    found[0][0].zero_()
    again, _ = next(Batches(dataset, CPU)(rows))
    assert again.max() > 0, "the data set keeps its images"


@pytest.mark.parametrize("side", [8, 64])
def test_a_part_comes_whole_and_in_order_in_pieces_that_fit(side: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LIMIT", 16)
    monkeypatch.setattr(module, "PIXELS", 5 * 64**2)
    dataset = drawn_images([20, 25], side)
    pieces = list(Batches(dataset, CPU).part(dataset.train))
    assert torch.equal(torch.cat([y for _, y in pieces]), torch.from_numpy(dataset.labels[dataset.train]))
    assert max(len(y) for _, y in pieces) == (16 if side == 8 else 5)


def test_one_image_is_looked_at_however_large_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PIXELS", 10)
    dataset = drawn_images([2, 2])
    assert [len(y) for _, y in Batches(dataset, CPU).part(dataset.train)] == [1] * 4


# ---- images outside memory


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    return write(tmp_path / "pictures", count=12)


@pytest.mark.parametrize("loaders", [0, pytest.param(2, marks=pytest.mark.slow)])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_images_outside_memory_are_the_same(tmp_path: Path, loaders: int, mode: str) -> None:
    folder = write(tmp_path / mode, count=12, mode=mode)
    held, stored = (load(f"image_folder:{folder}", resolution=16, in_memory=which) for which in (True, False))
    assert not isinstance(stored.images, np.ndarray)
    one, other = Batches(held, CPU), Batches(stored, CPU, loaders)
    rows = [held.train[::2], held.train[1::2], held.test]
    for (x, y), (x2, y2) in zip(one(rows), other(rows), strict=True):
        assert torch.equal(x, x2)
        assert torch.equal(y, y2)
        assert x2.is_contiguous(memory_format=torch.channels_last)
    assert one.statistics() == other.statistics()
    assert other.unreadable == {}
    assert other.readable(held.test).tolist() == one.readable(held.test).tolist() == list(range(len(held.test)))


def loaders_of(dataset: Dataset) -> int:
    return Batches(dataset, CPU).loaders


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="a process has no cores of its own here")
def test_images_are_decoded_on_the_cores_that_the_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        assert loaders_of(drawn_images([5, 5])) == 1
    finally:
        os.sched_setaffinity(0, allowed)


@pytest.mark.parametrize(("processes", "loaders"), [("", 7), ("1", 7), ("2", 3), ("4", 1), ("16", 1)])
def test_processes_of_one_training_share_the_cores(
    processes: str, loaders: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "cpu_count", lambda: 8)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", processes)
    assert loaders_of(drawn_images([5, 5])) == loaders


Lazy = Callable[..., tuple[Dataset, Batches]]


@pytest.fixture
def harmed(pictures: Path) -> Lazy:
    """Data outside memory of which some pictures of a part come to harm after they were listed."""

    def harm(part: str, places: list[int]) -> tuple[Dataset, Batches]:
        dataset = load(f"image_folder:{pictures}", resolution=16, in_memory=False)
        for place in places:
            damage(pictures / dataset.images.name(int(getattr(dataset, part)[place])))  # type: ignore[union-attr]
        return dataset, Batches(dataset, CPU, loaders=0)

    return harm


def test_images_that_cannot_be_read_are_left_out_and_named(harmed: Lazy) -> None:
    dataset, batches = harmed("train", [0, 2])
    rows = [dataset.train[:1], dataset.train[1:4], dataset.train[4:6]]
    assert [len(y) for _, y in batches(rows)] == [0, 2, 2], (
        "every group has its batch, so that none takes another's place"
    )
    names = [dataset.images.name(int(row)) for row in dataset.train[[0, 2]]]  # type: ignore[union-attr]
    assert [text.split(" ")[0] for text in batches.unreadable] == names
    list(batches(rows))
    assert len(batches.unreadable) == 2, "each once"
    assert batches.readable(dataset.train[:4]).tolist() == [1, 3]
    pieces = [y for _, y in batches.part(dataset.train)]
    assert sum(map(len, pieces)) == len(dataset.train) - 2
    mean, _ = batches.statistics()
    assert mean == pytest.approx(slow_statistics(replace(dataset, train=np.delete(dataset.train, [0, 2])))[0])


def test_data_of_which_nothing_can_be_read_are_refused(harmed: Lazy) -> None:
    _, batches = harmed("train", list(range(8)))
    batches.dataset = replace(batches.dataset, train=batches.dataset.train[:8])
    with pytest.raises(DataError, match="image_folder:pictures: no image of the training part can be read") as error:
        batches.statistics()
    assert "\n" not in str(error.value)


# ---- weights of the classes


def test_classes_weigh_against_their_share() -> None:
    dataset = drawn_images([60, 30, 10])
    weights = class_weights(dataset)
    assert weights.tolist() == pytest.approx([100 / (3 * n) for n in (60, 30, 10)])
    assert float(weights[dataset.labels[dataset.train]].mean()) == pytest.approx(1)
    sums = [float(weights[c] * n) for c, n in enumerate((60, 30, 10))]
    assert sums == pytest.approx([sums[0]] * 3)


def test_a_class_without_training_images_has_a_weight_too() -> None:
    assert class_weights(drawn_images([4, 0, 2])).isfinite().all()
