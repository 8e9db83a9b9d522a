"""The proxy training: what it draws, augments, decays and scores, and that it never sees the test part."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from nas.data import load
from nas.errors import DivergedError
from nas.network.build import build
from nas.space.library import load_architecture
from nas.training import loop as training
from nas.training.loop import Images, augment, place, train
from nas.training.recipe import Recipe

CPU = torch.device("cpu")
QUIET = Recipe(shift=0, cutout=0)
STAGES = [
    {"block": "mbconv", "depth": 1, "width": 8, "stride": 2},
    {"block": "transformer", "depth": 1, "width": 8, "stride": 2, "head_dim": 4},
]
NET = load_architecture(
    {"resolution": 8, "channels": 1, "classes": 10, "stem": {"kind": "conv", "width": 8}, "stages": STAGES}
)


@pytest.fixture(scope="module")
def digits():
    return load("digits")


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


def ramp(batch: int = 64, side: int = 16, channels: int = 3) -> torch.Tensor:
    """Images in which every pixel differs and none is 0."""
    pixels = torch.arange(1, channels * side * side + 1, dtype=torch.float32)
    return pixels.view(1, channels, side, side).repeat(batch, 1, 1, 1)


# ---- the images


def test_images_are_resized_subsampled_and_normalised(digits):
    images = place(digits, CPU, side=12, subset=100, seed=1)
    assert images.train_x.shape == (100, 1, 12, 12)
    assert images.train_x.dtype == torch.uint8
    assert images.resolution == 12
    assert len(images.validation_y) == len(digits.validation)
    x = images.normalise(images.train_x)
    assert float(x.mean()) == pytest.approx(0, abs=1e-4)
    assert float(x.std()) == pytest.approx(1, abs=1e-3)
    assert x.is_contiguous(memory_format=torch.channels_last)


def test_the_subset_is_the_same_for_a_seed(digits):
    first, again, other = (place(digits, CPU, subset=50, seed=seed).train_x for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert len(place(digits, CPU, subset=10**6).train_y) == len(digits.train)


def test_the_test_part_is_never_touched(digits):
    images = digits.images.copy()
    images[digits.test] = np.random.default_rng(0).integers(0, 255, images[digits.test].shape)
    labels = digits.labels.copy()
    labels[digits.test] = 0
    other = replace(digits, images=images, labels=labels)
    scores = [train(build(NET, seed=0), place(d, CPU, subset=64), Recipe(), 0) for d in (digits, other)]
    assert scores[0] == scores[1]
    for part in ("train", "validation"):
        assert not set(getattr(digits, part)) & set(digits.test)


# ---- augmentation


def test_without_augmentation_images_stay(generator):
    assert torch.equal(augment(ramp(), QUIET, False, generator), ramp())


def test_mirroring_flips_half_of_the_images_whole(generator):
    x = ramp()
    out = augment(x, QUIET, True, generator)
    flipped = [torch.equal(a, b.flip(2)) for a, b in zip(out, x, strict=True)]
    same = [torch.equal(a, b) for a, b in zip(out, x, strict=True)]
    assert all(f != s for f, s in zip(flipped, same, strict=True))
    assert 16 < sum(flipped) < 48


def test_a_shift_moves_each_image_by_at_most_so_many_pixels(generator):
    x = ramp()
    out = augment(x, Recipe(shift=4, cutout=0), False, generator)  # 4 at 32 pixels are 2 at 16
    moves = set()
    for image in out:
        inner = image[:, 4:12, 4:12]
        found = [(dy, dx) for dy in range(-2, 3) for dx in range(-2, 3)
                 if torch.equal(inner, x[0, :, 4 + dy : 12 + dy, 4 + dx : 12 + dx])]  # fmt: skip
        assert len(found) == 1
        moves |= set(found)
        assert set(image.flatten().tolist()) <= set(x[0].flatten().tolist()), "what comes in is a reflection"
    assert len(moves) > 15


def test_a_cutout_is_one_square_of_the_mean(generator):
    x = ramp()
    out = augment(x, Recipe(shift=0, cutout=8), False, generator)  # 8 at 32 pixels are 4 at 16
    for image in out:
        hole = image == 0
        assert torch.equal(hole[0], hole[1])
        rows, columns = hole[0].any(1).nonzero().flatten(), hole[0].any(0).nonzero().flatten()
        assert len(rows) <= 4
        assert len(columns) <= 4
        assert int(hole[0].sum()) == len(rows) * len(columns)
        assert torch.equal(image[~hole], x[0][~hole])
    assert sum(int((image[0] == 0).sum()) == 16 for image in out) > 16, "most lie inside"


def test_augmentation_follows_its_generator():
    recipe = Recipe(shift=4, cutout=8)
    draws = [augment(ramp(), recipe, True, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)]
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])


# ---- the optimiser


def test_only_kernels_and_matrices_decay():
    network = build(NET, seed=0)
    decayed, rest = training._groups(network, 0.05)
    assert (decayed["weight_decay"], rest["weight_decay"]) == (0.05, 0.0)
    names = {id(p): name for name, p in network.named_parameters()}
    heavy = {names[id(p)] for p in decayed["params"]}
    light = {names[id(p)] for p in rest["params"]}
    assert heavy | light == set(names.values())
    assert not heavy & light
    assert all(name.endswith("weight") and network.get_parameter(name).ndim >= 2 for name in heavy)
    assert all(network.get_parameter(name).ndim == 1 or "table" in name for name in light)
    assert any("table" in name for name in light)
    assert any("norm" in name for name in light)


def test_the_learning_rate_rises_straight_and_falls_as_a_cosine():
    factor = training._warmup_cosine(100, 0.2)
    assert [factor(step) for step in range(20)] == pytest.approx([(step + 1) / 20 for step in range(20)])
    assert factor(20) == 1
    assert factor(60) == pytest.approx(0.5)
    assert factor(100) == pytest.approx(0)
    assert all(factor(step) >= factor(step + 1) for step in range(20, 100))
    assert training._warmup_cosine(1, 0.0)(0) == 1
    assert all(math.isfinite(training._warmup_cosine(1, 0.9)(step)) for step in range(3))


# ---- the whole


def test_the_same_seed_trains_the_same_network(digits):
    images = place(digits, CPU, subset=128)
    recipe = Recipe(epochs=2, drop_path=0.2, cutout=8)
    networks = [build(NET, drop_path=0.2, seed=0) for _ in range(3)]
    results = [train(n, images, recipe, seed) for n, seed in zip(networks, (5, 5, 6), strict=True)]
    assert results[0] == results[1] != results[2]
    for a, b in zip(networks[0].parameters(), networks[1].parameters(), strict=True):
        assert torch.equal(a, b)
    assert len(results[0].losses) == 2


def test_training_leaves_the_global_generator_alone(digits):
    state = torch.get_rng_state()
    train(build(NET, seed=0), place(digits, CPU, subset=64), Recipe(), 3)
    assert torch.equal(torch.get_rng_state(), state)


def test_training_learns(digits):
    images = place(digits, CPU)
    result = train(build(NET, seed=0), images, Recipe(epochs=6, shift=0), 0)
    assert result.accuracy > 0.8
    assert result.losses[-1] < 0.7 * result.losses[0]


@pytest.mark.parametrize(("subset", "batch_size"), [(2, 2), (3, 2), (10, 64), (65, 32)])
def test_every_size_of_batch_and_subset_trains(digits, subset, batch_size):
    result = train(build(NET, seed=0), place(digits, CPU, subset=subset), Recipe(batch_size=batch_size), 0)
    assert math.isfinite(result.losses[0])


def test_a_diverging_training_says_in_which_epoch(digits):
    with pytest.raises(DivergedError, match=r"the loss became (nan|inf) in epoch [123]"):
        train(build(NET, seed=0), place(digits, CPU, subset=64), Recipe(epochs=3, learning_rate=1e30), 0)


class Oracle(nn.Module):
    """Says the class that stands in the first pixel, and the next one for every third image."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        said = x[:, 0, 0, 0].round().long()
        said = torch.where(torch.arange(len(x)) % 3 == 0, (said + 1) % 10, said)
        return nn.functional.one_hot(said, 10).float()


def test_accuracy_is_the_share_that_is_right():
    labels = torch.arange(1203) % 10
    x = labels.to(torch.uint8).view(-1, 1, 1, 1).expand(-1, 1, 2, 2)
    zero, one = torch.zeros(1, 1, 1), torch.ones(1, 1, 1)
    images = Images(x, labels, x, labels, zero, one, mirror=False)
    assert training.accuracy(Oracle(), images, batch_size=300) == pytest.approx(802 / 1203)
    assert training.accuracy(Oracle(), images, batch_size=5000) == pytest.approx(802 / 1203)
    network = build(NET).train()
    training.accuracy(network, place(load("digits"), CPU, subset=10))
    assert not network.training
