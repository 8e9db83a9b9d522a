"""The full training: it learns, it repeats, it goes on exactly where it stopped, and every option does what it says."""

import copy
import io
import math
import time
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from picture_folders import damage, write
from small_trainings import PLAIN_STAGES, drawn_images, few, network, trainer
from torch import Tensor, nn
from torch.nn import functional as F

from nas.data import Dataset, load
from nas.errors import DataError, DivergedError, SettingError
from nas.network.build import build
from nas.training.full.batches import weighed
from nas.training.full.group import Alone
from nas.training.full.loop import StoppedError, Trainer, answers
from nas.training.full.progress import Progress
from nas.training.full.recipe import FullRecipe
from nas.training.full.teacher import Teacher
from nas.training.model import Model

SIMPLE = FullRecipe(
    epochs=2, batch_size=16, warmup=0, learning_rate=1e-2, mirror="never", label_smoothing=0, weight_decay=0, clip=0,
    precision="float32",
)  # fmt: skip
EVERYTHING = FullRecipe(
    epochs=4, batch_size=16, accumulate=2, warmup=1, learning_rate=5e-3, weight_decay=0.05, clip=1,
    label_smoothing=0.1, drop_path=0.2, crop=0.6, mirror="always", operations=2, magnitude=9, erasing=0.3, mixup=0.4,
    cutmix=1, plain=1, ema=0.9,
)  # fmt: skip
SMALL_MAPS = {"stages": [{"block": "conv", "depth": 1, "width": 8, "stride": 2} for _ in range(3)]}
"""Whose last map is one pixel of images of eight."""
NO_BATCHNORM = {"stages": PLAIN_STAGES, "stem": {"kind": "patchify", "width": 8}}


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return few(load("digits"), 80)


def changed(recipe: FullRecipe, **changes: Any) -> FullRecipe:
    return FullRecipe(**(recipe.model_dump() | changes))


def trained(found: Trainer) -> Trainer:
    """Train to the end."""
    list(found.epochs())
    return found


def weights(found: Trainer) -> list[Tensor]:
    """All that a step changes: weights and statistics, their averages, and the optimiser's moments."""
    state = found.state()
    moments = [value for one in state["optimizer"]["state"].values() for value in one.values()]
    return [*state["model"].values(), *(state["average"] or {}).values(), *moments]


def same(one: Trainer, other: Trainer) -> bool:
    """Whether two trainings are equal bit for bit, but for their seconds."""
    equal = all(torch.equal(a, b) for a, b in zip(weights(one), weights(other), strict=True))
    past, past2 = ([asdict(e) | {"seconds": 0} for e in each.progress.history] for each in (one, other))
    return equal and past == past2 and one.progress.best == other.progress.best


# ---- learning


def test_training_learns(digits: Dataset) -> None:
    dataset = few(load("digits"), 500, 200)
    found = trained(trainer(dataset, changed(SIMPLE, epochs=6)))
    losses = [epoch.loss for epoch in found.progress.history]
    assert losses[-1] < 0.5 * losses[0]
    assert found.progress.history[-1].metrics["accuracy"] > 0.75
    assert [epoch.number for epoch in found.progress.history] == [1, 2, 3, 4, 5, 6]
    assert all(epoch.seconds > 0 for epoch in found.progress.history)
    best = max(found.progress.history, key=lambda epoch: epoch.metrics["accuracy"])
    assert found.progress.best == best.number


def test_an_epochs_values_are_those_of_the_validation_part(digits: Dataset) -> None:
    found = trainer(digits, SIMPLE)
    epoch = next(found.epochs())
    x = torch.from_numpy(digits.images[digits.validation]).float() / 255
    labels = torch.from_numpy(digits.labels[digits.validation])
    with torch.no_grad():
        logits = found.model.eval()(x)
    assert epoch.metrics["accuracy"] == pytest.approx(float((logits.argmax(1) == labels).float().mean()))
    assert epoch.validation_loss == pytest.approx(float(F.cross_entropy(logits, labels)), abs=1e-5)
    assert epoch.learning_rate == found.optimizer.param_groups[0]["lr"]


def test_the_test_part_is_never_touched(digits: Dataset) -> None:
    images, labels = digits.images.copy(), digits.labels.copy()
    images[digits.test], labels[digits.test] = 255 - images[digits.test], 0
    other = replace(digits, images=images, labels=labels)
    assert same(trained(trainer(digits, SIMPLE)), trained(trainer(other, SIMPLE)))


def test_training_leaves_the_callers_randomness_alone(digits: Dataset) -> None:
    before = torch.get_rng_state()
    trained(trainer(digits, EVERYTHING))
    assert torch.equal(torch.get_rng_state(), before)


def test_every_step_tells_its_share_and_its_loss(digits: Dataset) -> None:
    told: list[tuple[float, float | None]] = []
    found = trainer(digits, SIMPLE)
    history = list(found.epochs(lambda progress, loss: told.append((progress.course.share, loss))))
    assert [share for share, _ in told] == pytest.approx([i / 10 for i in range(1, 11)])
    losses = [loss for _, loss in told if loss is not None]
    assert [np.mean(losses[:5]), np.mean(losses[5:])] == pytest.approx([epoch.loss for epoch in history])


# ---- repeating, and going on


def test_the_same_seed_repeats_a_training_bit_for_bit(digits: Dataset) -> None:
    one, same_one = (trained(trainer(digits, EVERYTHING, seed=3)) for _ in range(2))
    assert same(one, same_one)
    assert not same(one, trained(trainer(digits, EVERYTHING, seed=4)))


def stopped_at(found: Trainer, step: int) -> bytes:
    """Train until so many steps in all are taken, and return the state that a file would hold."""
    kept = io.BytesIO()

    def between(progress: Progress, loss: float | None) -> None:
        if progress.course.epoch * progress.course.steps + progress.course.step == step:
            torch.save(found.state(), kept)
            raise StoppedError

    with pytest.raises(StoppedError):
        list(found.epochs(between))
    return kept.getvalue()


def loaded(state: bytes) -> dict[str, Any]:
    return torch.load(io.BytesIO(state), weights_only=True)  # type: ignore[no-any-return]


def gone_on(fresh: Trainer, state: bytes) -> Trainer:
    fresh.restore(loaded(state))
    return fresh


@pytest.fixture(scope="module")
def whole(digits: Dataset) -> Trainer:
    """A training with every option, uninterrupted."""
    return trained(trainer(digits, EVERYTHING))


STEPS = 20
AT_RANDOM = sorted(np.random.default_rng().choice(np.arange(1, STEPS), 5, replace=False).tolist())


@pytest.mark.parametrize("step", [5, STEPS])
def test_a_training_that_was_stopped_goes_on_exactly_from_the_end_of_an_epoch(
    digits: Dataset, whole: Trainer, step: int
) -> None:
    state = stopped_at(trainer(digits, EVERYTHING), step)
    assert same(trained(gone_on(trainer(digits, EVERYTHING), state)), whole)


def test_a_training_that_was_stopped_at_five_random_steps_goes_on_exactly(digits: Dataset, whole: Trainer) -> None:
    state, runner = b"", trainer(digits, EVERYTHING)
    for step in AT_RANDOM:
        state = stopped_at(gone_on(runner, state) if state else runner, step)
        runner = trainer(digits, EVERYTHING)
        torch.rand(13)  # what the process drew meanwhile is of no account
    assert same(trained(gone_on(runner, state)), whole), f"stopped at {AT_RANDOM}"


def test_a_state_between_two_epochs_goes_on_exactly(digits: Dataset, whole: Trainer) -> None:
    first, kept = trainer(digits, EVERYTHING), io.BytesIO()
    next(first.epochs())
    torch.save(first.state(), kept)
    assert same(trained(gone_on(trainer(digits, EVERYTHING), kept.getvalue())), whole)


def test_a_finished_training_has_no_epoch_left(digits: Dataset, whole: Trainer) -> None:
    kept = io.BytesIO()
    torch.save(whole.state(), kept)
    again = gone_on(trainer(digits, EVERYTHING), kept.getvalue())
    assert list(again.epochs()) == []
    assert same(again, whole)


def test_the_state_of_another_network_is_refused(digits: Dataset) -> None:
    state = trainer(digits, SIMPLE).state()
    other = trainer(digits, SIMPLE, network(stages=PLAIN_STAGES))
    with pytest.raises(ValueError, match=r"the network has no weight 'stages\.0"):
        other.restore(state)
    with pytest.raises((KeyError, TypeError)):
        trainer(digits, changed(SIMPLE, ema=0.9)).restore(state)


# ---- steps


def test_accumulation_equals_one_large_batch(digits: Dataset) -> None:
    recipe = changed(SIMPLE, epochs=1)
    net = network(**NO_BATCHNORM)
    assert not any(isinstance(m, nn.BatchNorm2d) for m in build(net).modules())
    large, parts = (trained(trainer(digits, changed(recipe, accumulate=n), net)) for n in (1, 4))
    assert large.progress.history[0].loss == pytest.approx(parts.progress.history[0].loss, abs=1e-6)
    for one, other in zip(large.model.parameters(), parts.model.parameters(), strict=True):
        assert torch.allclose(one, other, atol=2e-4)
    single = trained(trainer(digits, changed(recipe, batch_size=4), net))
    assert any(
        not torch.allclose(a, b, atol=1e-2)
        for a, b in zip(large.model.parameters(), single.model.parameters(), strict=True)
    ), "which steps of a quarter do not"


def first_step(recipe: FullRecipe, dataset: Dataset, **more: Any) -> tuple[Trainer, dict[str, Tensor]]:
    """Take one step and return the gradients by the weights' names."""
    found = trainer(dataset, recipe, network(**NO_BATCHNORM), **more)
    stopped_at(found, 1)
    return found, {name: p.grad for name, p in found.model.network.named_parameters() if p.grad is not None}


def test_parts_of_unequal_size_weigh_by_their_images(digits: Dataset) -> None:
    """Of 40 images in batches of 64 the parts have 14, 13 and 13, as none takes more than 16."""
    forty = replace(digits, train=digits.train[:40])
    recipes = [changed(SIMPLE, batch_size=64, accumulate=n) for n in (1, 4)]
    assert [len(part) for part in trainer(forty, recipes[1])._rows()] == [14, 13, 13]
    (_, whole), (_, parts) = (first_step(recipe, forty) for recipe in recipes)
    for name, gradient in whole.items():
        assert torch.allclose(gradient, parts[name], atol=1e-6)


@pytest.mark.parametrize("count", [2, 3, 7, 17])
@pytest.mark.parametrize("accumulate", [1, 4, 16])
def test_fewer_images_than_a_batch_or_than_its_parts_train(digits: Dataset, count: int, accumulate: int) -> None:
    tiny = replace(digits, train=digits.train[:count])
    found = trained(trainer(tiny, changed(SIMPLE, accumulate=accumulate), network(**NO_BATCHNORM)))
    assert len(found.progress.history) == 2
    assert all(math.isfinite(epoch.loss) for epoch in found.progress.history)


def test_a_few_images_are_not_taken_one_by_one(digits: Dataset) -> None:
    """So that BatchNorm has enough of them where maps are one pixel, as with the recipes of large batches."""
    tiny = replace(digits, train=digits.train[:10])
    found = trained(trainer(tiny, changed(SIMPLE, batch_size=512, accumulate=32), network(**SMALL_MAPS)))
    assert all(math.isfinite(epoch.loss) for epoch in found.progress.history)


def test_parts_of_one_image_are_refused_where_maps_are_one_pixel(digits: Dataset) -> None:
    with pytest.raises(SettingError, match="--accumulate 4: leaves parts of one image, too few for BatchNorm"):
        trained(trainer(digits, changed(SIMPLE, batch_size=4, accumulate=4), network(**SMALL_MAPS)))


def test_a_whole_step_of_one_image_is_refused_by_the_batch_size(digits: Dataset) -> None:
    class Pair(Alone):
        count = 2

    with pytest.raises(SettingError, match=r"--batch-size 2: leaves parts of one image.*in fewer processes"):
        trained(trainer(digits, changed(SIMPLE, batch_size=2), network(**SMALL_MAPS), group=Pair()))


def test_mixing_and_augmentation_take_a_batch_of_one(digits: Dataset) -> None:
    tiny = replace(digits, train=digits.train[:3])
    found = trained(trainer(tiny, changed(EVERYTHING, batch_size=4, accumulate=4), network(**NO_BATCHNORM)))
    assert all(math.isfinite(epoch.loss) for epoch in found.progress.history)


def test_gradients_are_bounded_together(digits: Dataset) -> None:
    _, free = first_step(SIMPLE, digits)
    norm = float(torch.stack([g.norm() for g in free.values()]).norm())
    _, bound = first_step(changed(SIMPLE, clip=norm / 3), digits)
    for name, gradient in free.items():
        assert torch.allclose(gradient / 3, bound[name], atol=1e-5)


def test_decay_falls_on_kernels_and_matrices_only(digits: Dataset) -> None:
    """Weights without gradients move by decay alone: AdamW takes (1 - rate x decay) of them."""
    recipe = changed(SIMPLE, weight_decay=0.5, learning_rate=0.1, epochs=1)
    found = trainer(digits, recipe)
    before = copy.deepcopy(dict(found.model.network.named_parameters()))
    for parameter in found.model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    found.optimizer.step()
    shrunk = set()
    for name, now in found.model.network.named_parameters():
        if not torch.equal(now, before[name]):
            assert torch.allclose(now, before[name] * 0.95)
            shrunk.add(name)
    modules = dict(found.model.network.named_modules())
    heavy = {f"{n}.weight" for n, m in modules.items() if isinstance(m, nn.Conv2d | nn.Linear)}
    assert shrunk == heavy
    assert any("table" in name for name in before.keys() - heavy)


def test_the_learning_rate_is_that_of_the_schedule_at_every_step(digits: Dataset) -> None:
    found, rates = trainer(digits, changed(SIMPLE, warmup=1, learning_rate=0.01, final_learning_rate=0)), []
    list(found.epochs(lambda progress, loss: rates.append(found.optimizer.param_groups[1]["lr"])))
    rise = [0.01 * i / 5 for i in range(1, 6)]
    assert rates == pytest.approx(rise + [0.005 * (1 + math.cos(math.pi * i / 5)) for i in range(5)])


# ---- averaged weights


def test_the_average_is_the_one_computed_slowly(digits: Dataset) -> None:
    found = trainer(digits, changed(SIMPLE, ema=0.6, epochs=3))
    slow: dict[str, Tensor] = {}
    count = 0

    def between(progress: Progress, loss: float | None) -> None:
        nonlocal count
        decay = min(0.6, (1 + count) / (10 + count))
        for name, now in found.model.state_dict().items():
            kept = slow.get(name, now).double()
            slow[name] = decay * kept + (1 - decay) * now.double() if count else now.clone()
        count += 1

    list(found.epochs(between))
    assert found.judged is not found.model
    kept = found.judged.state_dict()
    assert slow.keys() == kept.keys()
    for name, value in slow.items():
        if kept[name].is_floating_point():  # the number of batches is a whole one
            assert torch.allclose(kept[name].double(), value.double(), atol=1e-5), name
    assert any(not torch.equal(kept[name], now) for name, now in found.model.state_dict().items())


def test_the_average_is_what_is_judged(digits: Dataset) -> None:
    found = trainer(digits, changed(SIMPLE, ema=0.9, learning_rate=0.05))
    epoch = list(found.epochs())[-1]
    judged, last = (float(F.cross_entropy(*part(found, model))) for model in (found.judged, found.model))
    assert epoch.validation_loss == pytest.approx(judged, abs=1e-5)
    assert judged != pytest.approx(last, abs=1e-3)
    without = trainer(digits, SIMPLE)
    assert without.judged is without.model


def part(found: Trainer, model: Model) -> tuple[Tensor, Tensor]:
    return answers(model, found.batches, found.batches.dataset.validation, found.autocast)


# ---- unequal classes


@pytest.fixture(scope="module")
def unequal() -> Dataset:
    return drawn_images([64, 12, 4])


def test_balanced_sampling_draws_each_class_alike(unequal: Dataset) -> None:
    drawn: Counter[int] = Counter()
    found = trainer(unequal, changed(SIMPLE, balance="sampling", epochs=40))
    for epoch in range(40):
        found.progress.course.epoch = epoch
        rows = np.concatenate(found._rows())
        assert set(rows) <= set(unequal.train)
        drawn.update(unequal.labels[rows].tolist())
    total = sum(drawn.values())
    assert total == 40 * 80
    assert [drawn[c] / total for c in range(3)] == pytest.approx([1 / 3] * 3, abs=0.04)


def test_without_balance_an_epoch_has_every_image_once(unequal: Dataset) -> None:
    found = trainer(unequal, SIMPLE)
    rows = np.concatenate(found._rows())
    assert sorted(rows) == sorted(unequal.train)
    found.progress.course.epoch = 1
    assert not np.array_equal(np.concatenate(found._rows()), rows), "in another order each epoch"


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_class_weights_weigh_the_loss(unequal: Dataset, smoothing: float) -> None:
    recipe = changed(SIMPLE, balance="weights", batch_size=80, epochs=1, label_smoothing=smoothing)
    found = trainer(unequal, recipe)
    twin = trainer(unequal, recipe)
    x, y = next(twin.batches([np.concatenate(twin._rows())]))
    logits = twin.model.train()(x)
    each = F.cross_entropy(logits, y, reduction="none", label_smoothing=smoothing)
    weigh = torch.tensor([80 / (3 * n) for n in (64, 12, 4)])
    expected = float((weigh[y] * each).mean().detach())
    losses: list[float] = []
    list(found.epochs(lambda progress, loss: losses.append(loss or 0)))
    assert losses == [pytest.approx(expected, abs=1e-5)]
    assert abs(float(each.mean().detach()) - expected) > 0.01


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_weighed_targets_ask_for_the_same_probabilities(smoothing: float) -> None:
    classes, weights = 10, torch.tensor([0.11, *[9.0] * 9])
    shares = torch.cat([torch.eye(classes), torch.full((1, classes), 1 / classes)])
    targets = weighed(shares, weights, smoothing)
    assert torch.allclose(targets.sum(1), shares @ weights), "an image weighs as its classes do"
    logits = torch.zeros_like(shares, requires_grad=True)
    optimizer = torch.optim.Adam([logits], lr=0.1)
    for _ in range(1000):
        optimizer.zero_grad()
        F.cross_entropy(logits, targets).backward()
        optimizer.step()
    expected = (1 - smoothing) * shares + smoothing / classes
    assert torch.allclose(logits.softmax(1), expected, atol=2e-3)


@pytest.mark.parametrize("balance", ["weights", "sampling"])
def test_balance_helps_rare_classes(balance: str) -> None:
    rng = np.random.default_rng(0)
    dataset = drawn_images([300, 15], seed=1)
    noisy = np.clip(dataset.images.astype(float) * 0.12 + 100 + rng.normal(0, 40, dataset.images.shape), 0, 255)
    many = np.concatenate([dataset.validation, dataset.test])
    hard = replace(dataset, images=noisy.astype(np.uint8), validation=many)
    recalls = []
    for how in ("none", balance):
        recipe = changed(SIMPLE, balance=how, epochs=4, batch_size=32, learning_rate=3e-3)
        found = trained(trainer(hard, recipe, network(classes=2)))
        logits, labels = part(found, found.model)
        recalls.append(float((logits.argmax(1) == 1)[labels == 1].float().mean()))
    assert recalls[1] > recalls[0]


# ---- a teacher


def test_a_teacher_teaches_by_its_answers_to_the_same_images(digits: Dataset) -> None:
    class Three(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return 20 * F.one_hot(torch.full((len(x),), 3), 10).float()

    recipe = changed(SIMPLE, teaching=1.0, epochs=4)
    found = trained(trainer(digits, recipe, teacher=Teacher(Three(), 8, 1)))
    assert (part(found, found.model)[0].argmax(1) == 3).all()
    assert same(
        trained(trainer(digits, changed(SIMPLE, teaching=0.0), teacher=Teacher(Three(), 8, 1))),
        trained(trainer(digits, SIMPLE)),
    )


# ---- ends


def test_a_loss_that_is_no_number_names_the_step_and_what_to_change(digits: Dataset) -> None:
    recipe = changed(SIMPLE, learning_rate=1e30, warmup=0.5, epochs=5)
    told: list[int] = []
    with pytest.raises(DivergedError) as error:
        list(trainer(digits, recipe).epochs(lambda progress, loss: told.append(progress.course.step)))
    step = len(told) + 1
    said = str(error.value)
    assert f"at step {step} (epoch {1 + (step - 1) // 5})" in said
    assert "--learning-rate, now 1e+30" in said
    assert "--warmup, now 0.5 epochs" in said
    assert "--clip, now none" in said


def test_answers_that_are_no_numbers_end_the_training_and_no_epoch_of_them_is_kept(digits: Dataset) -> None:
    """The loss of the last step is finite; what it leaves would be taken for the first class."""
    found = trainer(digits, changed(SIMPLE, learning_rate=1e30, batch_size=80))
    says = r"the network's answers became nan in epoch 1\. Lower the learning rate \(--learning-rate, now 1e\+30\)"
    with pytest.raises(DivergedError, match=says):
        trained(found)
    assert not found.progress.history
    assert found.progress.best == 0


def test_a_time_limit_ends_in_time_with_the_learning_rate_at_its_end(digits: Dataset) -> None:
    found = trainer(digits, changed(SIMPLE, epochs=100_000, ema=0.5), limit=1.5)
    start, rates = time.perf_counter(), []
    list(found.epochs(lambda progress, loss: rates.append(found.optimizer.param_groups[0]["lr"])))
    assert 1.5 <= time.perf_counter() - start < 4
    assert max(rates) <= SIMPLE.learning_rate
    assert min(rates) == rates[-1] < 0.1 * SIMPLE.learning_rate
    assert len(found.progress.history) > 1
    assert sum(epoch.seconds for epoch in found.progress.history) == pytest.approx(found.progress.course.elapsed)


def test_a_time_limit_counts_the_seconds_before_an_interruption(digits: Dataset) -> None:
    recipe = changed(SIMPLE, epochs=100_000)
    state = stopped_at(trainer(digits, recipe, limit=60.0), 3)
    found = gone_on(trainer(digits, recipe, limit=60.0), state)
    elapsed = found.progress.course.elapsed
    assert elapsed > 0
    found.progress.course.elapsed = 59.999
    assert len(list(found.epochs())) == 1, "an epoch that was begun is judged"
    assert found.progress.history[0].loss > 0


def test_a_time_shorter_than_a_step_takes_one(digits: Dataset) -> None:
    found = trained(trainer(digits, SIMPLE, limit=1e-9))
    assert [epoch.number for epoch in found.progress.history] == [1]


def test_bfloat16_runs_on_the_processor_and_learns(digits: Dataset) -> None:
    found = trained(trainer(digits, changed(SIMPLE, precision="bfloat16", epochs=5)))
    losses = [epoch.loss for epoch in found.progress.history]
    assert losses[-1] < losses[0]
    assert all(p.dtype == torch.float32 for p in found.model.parameters())
    assert not same(found, trained(trainer(digits, changed(SIMPLE, epochs=5))))


# ---- images that cannot be read


@pytest.fixture
def stored(tmp_path: Path) -> Dataset:
    """Pictures outside memory, two of which came to harm since they were listed."""
    dataset = load(f"image_folder:{write(tmp_path / 'pictures', count=16)}", resolution=8, in_memory=False)
    for row in dataset.train[[2, 9]]:
        damage(tmp_path / "pictures" / dataset.images.name(int(row)))  # type: ignore[union-attr]
    return dataset


def test_images_that_cannot_be_read_do_not_shift_the_steps(stored: Dataset) -> None:
    """An epoch has as many steps as with them, and goes on exactly."""
    recipe = changed(SIMPLE, batch_size=4, accumulate=4)
    steps = len(stored.train) // 4
    net = network(classes=2, channels=3, **NO_BATCHNORM)
    told: list[int] = []
    found = trainer(stored, recipe, net)
    list(found.epochs(lambda progress, loss: told.append(progress.course.step)))
    assert told == 2 * list(range(1, steps + 1))
    assert len(found.batches.unreadable) == 2
    state = stopped_at(trainer(stored, recipe, net), steps // 2)
    assert same(trained(gone_on(trainer(stored, recipe, net), state)), found)


def test_steps_without_a_readable_image_are_in_no_mean_of_an_epoch_that_goes_on_either(
    stored: Dataset, tmp_path: Path
) -> None:
    for row in stored.train[3:]:
        (tmp_path / "pictures" / stored.images.name(int(row))).unlink()  # type: ignore[union-attr]
    recipe, net = changed(SIMPLE, batch_size=2, epochs=1), network(classes=2, channels=3, **NO_BATCHNORM)
    steps = len(stored.train) // 2
    assert steps > 4, "of which three at most have an image"
    found = trained(trainer(stored, recipe, net))
    state = stopped_at(trainer(stored, recipe, net), steps - 1)
    assert same(trained(gone_on(trainer(stored, recipe, net), state)), found)
    older = trainer(stored, recipe, net)
    older.restore({key: value for key, value in loaded(state).items() if key != "empty"})
    assert len(list(older.epochs())) == 1, "a state that does not say how many"


def test_a_step_is_left_out_by_all_processes_where_one_has_no_readable_image(stored: Dataset) -> None:
    class WithOneThatHasNone(Alone):
        def agree(self, mine: bool) -> bool:
            return True

    found = trainer(stored, SIMPLE, group=WithOneThatHasNone())
    before = [weight.clone() for weight in found.model.parameters()]
    with pytest.raises(DataError, match="no image of the training part can be read any more"):
        list(found.epochs())
    assert all(torch.equal(*pair) for pair in zip(before, found.model.parameters(), strict=True))


def test_training_images_that_vanish_end_the_training_and_steps_without_any_are_in_no_mean(tmp_path: Path) -> None:
    stored = load(f"image_folder:{write(tmp_path, 8, side=16)}", in_memory=False, resolution=8)
    found = trainer(stored, changed(SIMPLE, batch_size=2, learning_rate=1e-9), network(classes=2, channels=3))
    epochs = found.epochs()
    whole = next(epochs).loss
    gone = [tmp_path / stored.images.name(row) for row in stored.train]
    for file in gone[1:]:
        file.unlink()
    assert next(found.epochs()).loss == pytest.approx(whole, rel=0.5), "not a fifth of it"
    gone[0].unlink()
    found.progress.course.epochs += 1
    with pytest.raises(DataError, match=r"no image of the training part can be read any more: .*\.jpg \(missing file"):
        list(found.epochs())
    assert len(found.progress.history) == 2


def test_a_part_to_judge_by_of_which_nothing_can_be_read_is_refused(stored: Dataset) -> None:
    found = trainer(replace(stored, validation=stored.train[[2, 9]]), SIMPLE)
    with pytest.raises(DataError, match=r"none of the images to judge by can be read: (cat|dog)/\d+\.jpg"):
        list(found.epochs())


@pytest.mark.slow
def test_compiled_steps_learn_what_others_do(digits: Dataset) -> None:
    """The names of the weights stay, and a compiled training goes on from the state of another."""
    plain, compiled = (trained(trainer(digits, SIMPLE, compiles=compiles)) for compiles in (False, True))
    ours, theirs = (found.model.network.state_dict() for found in (compiled, plain))
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():  # rounding grows from step to step
        torch.testing.assert_close(value, theirs[name], rtol=1e-2, atol=1e-2)
    assert compiled.progress.history[-1].loss == pytest.approx(plain.progress.history[-1].loss, rel=1e-2)
    begun, finished = trainer(digits, SIMPLE), trainer(digits, SIMPLE, compiles=True)
    next(begun.epochs())
    finished.restore(begun.state())
    assert [epoch.number for epoch in finished.epochs()] == [2]
