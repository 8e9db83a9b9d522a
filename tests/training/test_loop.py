"""The proxy training: what decays, how it repeats and fails, and that it never sees the test part."""

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from nas.data import load
from nas.errors import DivergedError
from nas.network.build import build
from nas.space.library import load_architecture
from nas.training import loop as training
from nas.training.catalogue import load_task
from nas.training.images import load_images
from nas.training.loop import Steps, predict, train
from nas.training.pause import Pause
from nas.training.recipe import Recipe

CPU = torch.device("cpu")
TASK = load_task("classification")
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


def trained(network, images, recipe, seed):
    """The losses of a training, and the accuracy at its end."""
    losses = train(network, images, recipe, TASK, seed)
    return losses, TASK.metrics["accuracy"].compute(predict(network, images))


def test_the_test_part_is_never_touched(digits):
    images = digits.images.copy()
    images[digits.test] = np.random.default_rng(0).integers(0, 255, images[digits.test].shape)
    labels = digits.labels.copy()
    labels[digits.test] = 0
    other = replace(digits, images=images, labels=labels)
    scores = [trained(build(NET, seed=0), load_images(d, CPU, subset=64), Recipe(), 0) for d in (digits, other)]
    assert scores[0] == scores[1]
    for part in ("train", "validation"):
        assert not set(getattr(digits, part)) & set(digits.test)


# ---- the optimiser


def test_only_kernels_and_matrices_decay():
    network = build(NET, seed=0)
    decayed, rest = training.groups(network, 0.05)
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


def test_the_learning_rate_rises_straight_stays_and_falls_to_nothing():
    plan = Steps.of(Recipe(batch_size=10, warmup=0.2, fall=0.3), 1000, 1)
    factors = [plan.factor(step) for step in range(plan.end)]
    assert factors[:20] == pytest.approx([(step + 1) / 20 for step in range(20)])
    assert set(factors[19:70]) == {1.0}
    assert all(a > b for a, b in pairwise(factors[69:]))
    assert factors[70] == pytest.approx(1 - (1 / 31) ** 0.5)
    assert 0 < factors[-1] < 0.02


def test_a_longer_training_rises_as_the_recipe_does_and_falls_over_its_own_last_part():
    short, long = (Steps.of(Recipe(batch_size=10, warmup=0.2, fall=0.3), 1000, epochs) for epochs in (1, 9))
    assert (short.rise, long.rise) == (20, 20)
    assert (long.fall, long.end) == (630, 900)
    assert [long.factor(step) for step in range(70)] == [short.factor(step) for step in range(70)]


@pytest.mark.parametrize(("warmup", "fall", "images"), [(0.9, 0.1, 10), (0.0, 0.01, 1000), (0.5, 0.5, 64)])
def test_every_share_makes_a_plan(warmup, fall, images):
    plan = Steps.of(Recipe(warmup=warmup, fall=fall), images, 2)
    assert all(0 < plan.factor(step) <= 1 for step in range(plan.end))
    assert 0 <= plan.fall < plan.end


# ---- the whole


def test_the_same_seed_trains_the_same_network(digits):
    images = load_images(digits, CPU, subset=128)
    recipe = Recipe(epochs=2, drop_path=0.2, cutout=8)
    networks = [build(NET, drop_path=0.2, seed=0) for _ in range(3)]
    results = [trained(n, images, recipe, seed) for n, seed in zip(networks, (5, 5, 6), strict=True)]
    assert results[0] == results[1] != results[2]
    for a, b in zip(networks[0].parameters(), networks[1].parameters(), strict=True):
        assert torch.equal(a, b)
    assert len(results[0][0]) == 2


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_a_training_that_goes_on_is_the_one_in_one_go(digits, layout):
    images, recipe, kept = load_images(digits, CPU, subset=100), Recipe(epochs=2, cutout=8, drop_path=0.2), []
    whole, parts = (build(NET, drop_path=0.2, seed=0).to(memory_format=layout) for _ in range(2))
    losses = train(whole, images, recipe, TASK, 5, epochs=6)
    train(parts, images, recipe, TASK, 5, keep=kept.append)
    (first,) = kept
    parts = build(NET, drop_path=0.2, seed=1).to(memory_format=layout)  # other weights, which it does not begin from
    train(parts, images, recipe, TASK, 5, epochs=4, since=Pause.from_bytes(first.to_bytes()), keep=kept.append)
    rest = train(parts, images, recipe, TASK, 5, epochs=6, since=kept[1])
    assert 0 < first.steps < kept[1].steps
    for a, b in zip(whole.state_dict().values(), parts.state_dict().values(), strict=True):
        assert torch.equal(a, b)
    assert rest[-1] == losses[-1]


def test_what_the_network_draws_is_independent_of_the_augmentation(digits, monkeypatch):
    """Both draw uniformly before anything else in a step: the one which images are mirrored, the other its noise."""
    pairs = []

    class Drawing(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(64, 10)

        def forward(self, x):
            own = torch.Generator().manual_seed(torch.initial_seed())
            pairs.append((torch.rand(8, generator=own), torch.rand(8, generator=drawn[-1])))
            return self.layer(x.flatten(1))

    drawn = []

    def augmented(x, y, recipe, mirror, generator, follow):
        drawn.append(torch.Generator().manual_seed(generator.initial_seed()))
        return x, y

    monkeypatch.setattr("nas.training.loop.augment", augmented)
    train(Drawing(), load_images(digits, CPU, subset=640), Recipe(epochs=1), TASK, 0)
    ours, theirs = (torch.cat(side) for side in zip(*pairs, strict=True))
    assert len(ours) >= 200
    assert abs(float(torch.corrcoef(torch.stack([ours, theirs]))[0, 1])) < 0.25


def test_training_leaves_the_global_generator_alone(digits):
    state = torch.get_rng_state()
    train(build(NET, seed=0), load_images(digits, CPU, subset=64), Recipe(), TASK, 3)
    assert torch.equal(torch.get_rng_state(), state)


def test_training_learns(digits):
    images = load_images(digits, CPU)
    losses, accuracy = trained(build(NET, seed=0), images, Recipe(epochs=6, shift=0), 0)
    assert accuracy > 0.8
    assert losses[-1] < 0.7 * losses[0]


@pytest.mark.parametrize(("subset", "batch_size"), [(2, 2), (3, 2), (10, 64), (65, 32)])
def test_every_size_of_batch_and_subset_trains(digits, subset, batch_size):
    images = load_images(digits, CPU, subset=subset)
    losses = train(build(NET, seed=0), images, Recipe(batch_size=batch_size), TASK, 0)
    assert math.isfinite(losses[0])


def test_a_diverging_training_says_in_which_epoch(digits):
    images = load_images(digits, CPU, subset=64)
    with pytest.raises(DivergedError, match=r"the loss became (nan|inf) in epoch [123]"):
        train(build(NET, seed=0), images, Recipe(epochs=3, learning_rate=1e30), TASK, 0)


def test_predictions_are_the_outputs_for_the_validation_part_and_end_the_training_mode(digits):
    images = load_images(digits, CPU, subset=10)
    network = build(NET, seed=0).train()
    found = predict(network, images)
    assert not network.training
    assert found.outputs.shape == (len(digits.validation), 10)
    assert torch.equal(found.targets, images.validation_y)
    assert torch.allclose(predict(network, images, batch_size=7).outputs, found.outputs, atol=1e-5)


def test_something_may_be_done_after_every_step(digits):
    told, images = [], load_images(digits, CPU, subset=64)
    train(build(NET, seed=0), images, Recipe(epochs=2, batch_size=32), TASK, 0, lambda: told.append(1))
    assert len(told) == 4
