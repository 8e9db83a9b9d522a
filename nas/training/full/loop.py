"""The full training: epochs of a recipe, judged on the validation part, that go on exactly where they stopped."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from itertools import islice
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from nas.errors import DataError, DivergedError
from nas.files import Json
from nas.network.compiling import compiled
from nas.network.weights import adapt
from nas.training.full.augmentation import Augmentation, Mixing
from nas.training.full.averaging import averaged
from nas.training.full.batches import Batches, Rows, class_weights, drawn, enough_images, step_of, weighed
from nas.training.full.group import Alone
from nas.training.full.progress import Between, Epoch, Progress, best_epoch
from nas.training.full.recipe import FullRecipe
from nas.training.full.schedule import Course, Schedule
from nas.training.full.speed import autocast
from nas.training.full.teacher import Teacher, lesson
from nas.training.loop import check_answers, groups
from nas.training.model import Model
from nas.training.tasks import Predictions, Task

CHECKED = 20  # steps between looks at the loss on a GPU, each of which waits for it


class StoppedError(Exception):
    """The training was asked to stop, and stands between two steps."""


class Trainer:
    """Trains a model in place on one or several processes.

    The same seed gives the same network on the same processor in as many threads. Randomness is drawn anew for each
    epoch from seed and epoch, so that a training may go on from any step.
    """

    def __init__(
        self,
        model: Model,
        task: Task,
        batches: Batches,
        recipe: FullRecipe,
        *,
        seed: int = 0,
        limit: float | None = None,
        monitor: str = "",
        teacher: Teacher | None = None,
        group: Alone | None = None,
        compiles: bool = False,
    ) -> None:
        self.model: Model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.task, self.batches, self.recipe, self.seed = task, batches, recipe, seed
        self.monitor = monitor or next(iter(task.metrics))
        self.teacher, self.group = teacher, group or Alone()
        dataset, device = batches.dataset, batches.device
        self.size, self.parts = step_of(recipe, len(dataset.train))
        self.progress = Progress(Course(recipe.epochs, len(dataset.train) // self.size, limit))
        self.schedule = Schedule(recipe.peak, recipe.end, min(recipe.warmup / recipe.epochs, 1.0))
        trained = groups(model.network, recipe.weight_decay, recipe.backbone_rate)
        optimizer = torch.optim.AdamW(trained, lr=recipe.peak, fused=True)
        self.wrapped, self.optimizer = self.group.wrap(self.model, optimizer)
        self.answer = compiled(self.wrapped) if compiles else self.wrapped
        self.average = averaged(self.model, recipe.ema) if recipe.ema else None
        shape = dataset.resolution, dataset.channels
        self.augment = Augmentation(recipe, *shape, dataset.mirror, task.follow).to(device)
        weighing = recipe.balance == "weights"
        self.shares = task.targets == "classes" and bool(recipe.mixup or recipe.cutmix or weighing)
        if self.shares:  # the loss is handed shares of the classes, else their numbers
            self.mix = Mixing(recipe, len(dataset.classes)).to(device)
            self.weights = class_weights(dataset).to(device)
        self.autocast = autocast(recipe, device)

    @property
    def judged(self) -> Model:
        """The model whose weights count: the averaged one, if there is one."""
        return self.model if self.average is None else cast(Model, self.average.module)

    def epochs(self, between: Between = lambda progress, loss: None) -> Iterator[Epoch]:
        """Train epoch by epoch, from where the training stands.

        Raises DivergedError, with the step or the epoch, when a loss or an answer in validation is not finite, and what
        `between` raises.
        """
        device = self.batches.device
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            while self.progress.course.step or not self.progress.course.over:  # an epoch that was begun is judged
                yield self._epoch(between)

    def _epoch(self, between: Between) -> Epoch:
        course, start = self.progress.course, time.perf_counter()
        before = course.elapsed
        if course.step == 0 or self.group.count > 1:  # in mid-epoch stops one process alone
            torch.manual_seed(_derived(self.seed, course.epoch, self.group.index))
        elif self._drawn is not None:
            _restore_random(self._drawn, self.batches.device)
        mine = self._steps(between, lambda: before + time.perf_counter() - start)
        loss = float(torch.stack([each for (each,) in self.group.gather((mine.cpu(),))]).mean())
        validation = self.answers(self.batches.dataset.validation)
        check_answers(validation.outputs, f"in epoch {course.epoch + 1}. {self.recipe.calmer}")
        course.elapsed = self._agreed(before + time.perf_counter() - start)
        course.epoch, course.step, self._total, self._empty = course.epoch + 1, 0, None, 0
        found = Epoch(
            course.epoch,
            course.elapsed - sum(epoch.seconds for epoch in self.progress.history),
            self.optimizer.param_groups[0]["lr"],
            loss,
            float(self.task.loss(validation.outputs, validation.targets)),
            {name: metric.value(validation) for name, metric in self.task.metrics.items()},
        )
        self.progress.history.append(found)
        self.progress.best = best_epoch(self.progress.history, self.monitor, self.task.metrics[self.monitor].sign)
        return found

    _total: Tensor | None = None  # of the losses of the epoch that is under way
    _empty: int = 0  # steps of that epoch without an image that can be read, which have no loss
    _drawn: Json | None = None  # the state of randomness to go on with

    def _steps(self, between: Between, now: Callable[[], float]) -> Tensor:
        """Take the steps that are left of an epoch and return its mean loss."""
        course, device = self.progress.course, self.batches.device
        self.wrapped.train()
        total = self._total if self._total is not None else torch.zeros((), device=device)
        losses: list[Tensor] = []
        parts = self.batches(self._rows()[course.step * self.parts :])
        while course.step < course.steps and not course.over:
            for group in self.optimizer.param_groups:
                group["lr"] = self.schedule.rate(course.share, course.one) * group.get("rate", 1.0)
            loss, images = self._step(list(islice(parts, self.parts)))
            total, self._empty = total + loss, self._empty + (not images)
            losses.append(loss)
            course.step += 1
            course.elapsed, self._total = self._agreed(now()), total
            last = course.step == course.steps or course.over
            look = device.type == "cpu" or course.step % CHECKED == 0 or last
            if look:
                self._check(losses)
            between(self.progress, losses[-1].item() if look else None)
            losses = [] if look else losses
        if self._empty and self._empty == course.steps:
            raise DataError(f"{self.batches.dataset.name}: no image of the training part can be read any more: "
                            f"{next(iter(self.batches.unreadable), '')}")  # fmt: skip
        return total / max(course.step - self._empty, 1)

    def _agreed(self, seconds: float) -> float:
        """Return the seconds by which all processes go where these decide rates and the end."""
        return self.group.latest(seconds) if self.progress.course.limit else seconds

    def _step(self, parts: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, int]:
        """Take one step of the optimiser on the parts of a batch and return its loss and the number of images."""
        total = torch.zeros((), device=self.batches.device)
        self.optimizer.zero_grad(set_to_none=True)
        parts = [part for part in parts if len(part[0])]  # none of it may be readable
        if self.batches.images is None and self.group.agree(not parts):
            parts = []  # processes with images would wait for ever for one that has none
        images = sum(len(x) for x, _ in parts)
        for number, (x, y) in enumerate(parts, 1):
            with self.group.apart(self.wrapped) if number < len(parts) else nullcontext():
                total += self._learn(x, y, len(x) / images)
        if self.recipe.clip:
            self.group.clip(self.wrapped.parameters(), self.recipe.clip)
        self.optimizer.step()
        if self.average is not None:
            self.average.update_parameters(self.model)
        return total, images

    def _learn(self, x: Tensor, y: Tensor, share: float) -> Tensor:
        """Add the gradients of one part of a batch and return its share of the loss."""
        recipe, smoothing = self.recipe, self.recipe.label_smoothing
        x, y = self.augment(x, y)
        if self.shares:
            mixing = self.progress.course.share < 1 - recipe.plain / recipe.epochs
            x, y = self.mix(x, y, mixing)
            if recipe.balance == "weights":
                y, smoothing = weighed(y, self.weights, smoothing), 0.0
        x = x.contiguous(memory_format=torch.channels_last)
        with self.autocast:
            outputs = self._answers(x, y)
            loss = self.task.loss(outputs, y, smoothing)
            if self.teacher is not None:
                loss = lesson(loss, outputs, self.teacher(x), recipe.teaching, recipe.temperature)
            loss = loss * share
        torch.autograd.backward(loss)  # Accelerate's divides it by a number of its own settings
        return loss.detach()

    def _answers(self, x: Tensor, y: Tensor) -> Any:
        """Compute the outputs for a part of a batch. Raises SettingError for one image where that is too few."""
        with enough_images(self.recipe):
            return self.answer(x, y) if self.task.guided else self.answer(x)

    def _rows(self) -> list[Rows]:
        """Draw the epoch's order: the rows of each part of each step, those of this process."""
        course, alike = self.progress.course, self.recipe.balance == "sampling"
        rows = drawn(self.batches.dataset, np.random.default_rng([self.seed, course.epoch]), alike)
        steps = rows[: course.steps * self.size].reshape(course.steps, self.size)
        parts = (part for step in steps for part in np.array_split(step, self.parts))
        return [part[self.group.index :: self.group.count] for part in parts]

    def _check(self, losses: list[Tensor]) -> None:
        wrong = (~torch.stack(losses).isfinite()).nonzero().flatten().tolist()
        if not wrong:
            return
        course = self.progress.course
        step = course.epoch * course.steps + course.step - len(losses) + wrong[0] + 1
        where = f"at step {step} (epoch {course.epoch + 1})"
        raise DivergedError(f"the loss became {losses[wrong[0]].item()} {where}. {self.recipe.calmer}")

    def answers(self, rows: Rows) -> Predictions:
        """Compute the outputs of the judged model for some rows of the data, on the processor, by all processes."""
        self.group.alike(self.judged)
        mine = answers(self.judged, self.batches, rows[self.group.index :: self.group.count], self.autocast)
        found = self.group.gather(tuple(mine))
        return Predictions(*(torch.cat(parts) for parts in zip(*found, strict=True)))

    def state(self) -> Json:
        """Return all that `restore` needs to go on from here, as tensors and plain data."""
        return {
            "model": self.model.network.state_dict(),
            "average": None if self.average is None else self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "course": asdict(self.progress.course),
            "history": [asdict(epoch) for epoch in self.progress.history],
            "best": self.progress.best,
            "total": self._total,
            "empty": self._empty,
            "random": _random(self.batches.device),
        }

    def restore(self, state: Json) -> None:
        """Go on from a state. Raises KeyError, TypeError, ValueError or RuntimeError for that of another training."""
        self.model.network.load_state_dict(adapt(state["model"], self.model.network))
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        history = [Epoch(**epoch) for epoch in state["history"]]
        self.progress = Progress(Course(**state["course"]), history, state["best"])
        self._total, self._empty, self._drawn = state["total"], state.get("empty", 0), state["random"]
        if self._total is not None:
            self._total = self._total.to(self.batches.device)


@torch.inference_mode()
def answers(
    run: Callable[[Tensor], Tensor],
    batches: Batches,
    rows: Rows,
    autocast: AbstractContextManager[Any],
    watch: Callable[[float], None] = lambda share: None,
) -> Predictions:
    """Compute what a network gives for some rows of the data, on the processor.

    `run` is a model, which is put in evaluation, or whatever runs one. `watch` is told the share that is done.
    """
    if isinstance(run, nn.Module):
        run.eval()
    outputs, targets, done = [], [], 0
    for x, y in batches.part(rows):
        with autocast:
            outputs.append(run(x).float().cpu())
        targets.append(y.cpu())
        done += len(x)
        watch(done / len(rows))
    if not outputs:
        first = next(iter(batches.unreadable), "")
        raise DataError(f"{batches.dataset.name}: none of the images to judge by can be read: {first}")
    return Predictions(torch.cat(outputs), torch.cat(targets))


def _derived(seed: int, epoch: int, index: int) -> int:
    return int(np.random.SeedSequence([seed, epoch, index]).generate_state(1)[0])


def _random(device: torch.device) -> Json:
    state = {"cpu": torch.get_rng_state()}
    return state | ({"cuda": torch.cuda.get_rng_state(device)} if device.type == "cuda" else {})


def _restore_random(state: Json, device: torch.device) -> None:
    torch.set_rng_state(state["cpu"])
    if device.type == "cuda" and "cuda" in state:
        torch.cuda.set_rng_state(state["cuda"], device)
