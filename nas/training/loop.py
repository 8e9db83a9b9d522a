"""The short training that ranks networks."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_

from nas.errors import DivergedError
from nas.files import Json
from nas.network.layers.initialise import scaled
from nas.training.images import Images, augment
from nas.training.pause import Pause
from nas.training.recipe import Recipe
from nas.training.tasks import Predictions, Task

OWN = 0x9E3779B9  # keeps the network's draws apart from the augmentation's, in the 32 bits of a processor's generator
LIMIT, PIXELS = 500, 2**19  # images, and their pixels, that a network sees at once when it is judged

Between = Callable[[], None]
"""Called after every step."""

Keep = Callable[[Pause], None]
"""Takes a training as it is before its learning rate falls."""


def train(
    network: nn.Module,
    images: Images,
    recipe: Recipe,
    task: Task,
    seed: int,
    between: Between = lambda: None,
    *,
    epochs: int | None = None,
    since: Pause | None = None,
    keep: Keep | None = None,
) -> tuple[float, ...]:
    """Train a network in place and return the mean loss of each epoch, or of what is trained of it.

    The learning rate rises, stays, and falls over the last part of `epochs` (the recipe's unless given), as after
    "Scaling Laws and Compute-Optimal Training Beyond Fixed Training Durations" (arXiv:2405.18392, section 3). What
    `keep` is given before the fall goes on, as `since`, to a training of more epochs that repeats none of its steps.

    The same seed gives the same network on the same machine, in one go or in several. Raises DivergedError when an
    epoch's mean loss is not finite, RunError for a `since` of another network, and what `between` raises.
    """
    device = images.train_x.device
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)  # initial weights draw from torch's own generator
        optimizer = torch.optim.AdamW(groups(network, recipe.weight_decay), lr=recipe.learning_rate, fused=True)
        if since:
            since.restore(network, optimizer)
        elif recipe.initial == "scaled":
            scaled(network)
        steps = Steps.of(recipe, len(images.train_y), epochs or recipe.epochs, since.steps if since else 0)
        network.train()
        return tuple(_epochs(network, optimizer, images, recipe, task, seed, steps, between, keep))


@dataclass(frozen=True)
class Steps:
    """The steps of a training: those of an epoch, where it begins, where its learning rate falls, and its end."""

    epoch: int
    rise: int
    begin: int
    fall: int
    end: int

    @classmethod
    def of(cls, recipe: Recipe, images: int, epochs: int, begin: int = 0) -> "Steps":
        """Plan so many epochs on so many images. The learning rate of every length rises as the recipe's own."""
        epoch = max(images // recipe.batch_size, 1)
        end = epoch * epochs
        rise = max(int(epoch * recipe.epochs * recipe.warmup), 1)
        return cls(epoch, rise, begin, end - max(int(end * recipe.fall), 1), end)

    def factor(self, step: int) -> float:
        """The learning rate's factor at a step from 0: straight to 1 over the rise, then 1 less a root to 0."""
        if step < self.fall:
            return min((step + 1) / self.rise, 1.0)
        return 1 - math.sqrt((step - self.fall + 1) / (self.end - self.fall + 1))


def _epochs(
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    images: Images,
    recipe: Recipe,
    task: Task,
    seed: int,
    steps: Steps,
    between: Between,
    keep: Keep | None,
) -> Iterator[float]:
    """Run the epochs and yield the mean loss of each."""
    device = images.train_x.device
    generator, size = torch.Generator(device), min(recipe.batch_size, len(images.train_y))
    for epoch in range(steps.begin // steps.epoch, steps.end // steps.epoch):
        total, first = torch.zeros((), device=device), epoch * steps.epoch
        generator.manual_seed(_mixed(seed, -epoch))
        order = torch.randperm(len(images.train_y), generator=generator, device=device)
        taken = range(max(first, steps.begin), first + steps.epoch)
        for step in taken:
            if keep and step == steps.fall:
                keep(Pause.of(step, network, optimizer))
            _set_rate(optimizer, recipe.learning_rate * steps.factor(step))
            rows = order[(step - first) * size :][:size]
            x, y = images.normalise(images.train_x[rows]), images.train_y[rows]
            x, y = augment(x, y, recipe, images.mirror, generator.manual_seed(_mixed(seed, step)), task.follow)
            torch.manual_seed(_mixed(seed, step) ^ OWN)  # what drops or disturbs draws from torch's own generator
            with torch.autocast("cuda", torch.bfloat16, enabled=device.type == "cuda"):
                outputs = network(x, y) if task.guided else network(x)
                loss = task.loss(outputs, y, recipe.label_smoothing)
            optimizer.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            clip_grad_norm_(network.parameters(), recipe.clip)
            optimizer.step()
            total += loss.detach()
            between()
        mean = total.item() / len(taken)
        if not math.isfinite(mean):
            raise DivergedError(f"the loss became {mean} in epoch {epoch + 1}")
        yield mean


def _set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate


def _mixed(seed: int, number: int) -> int:
    """Make a seed for one step, so that a training that goes on draws what it would have drawn in one go."""
    return (seed * 1_000_003 + number * 7_919 + 1) % 2**63


def groups(network: nn.Module, weight_decay: float, backbone_rate: float = 1.0) -> list[Json]:
    """Put weight decay on kernels and matrices only, not on norms, biases, position tables or tokens.

    With another `backbone_rate` than 1 those of the head come first; `rate` is each one's factor of the learning rate.
    """
    decayed = [m.weight for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    taken = {id(p) for p in decayed}
    rest = [p for p in network.parameters() if id(p) not in taken]
    found: list[Json]
    found = [{"params": decayed, "weight_decay": weight_decay}, {"params": rest, "weight_decay": 0.0}]
    if backbone_rate == 1:
        return found
    head = {id(p) for p in network.get_submodule("head").parameters()}
    return [
        group | {"params": [p for p in group["params"] if (id(p) in head) == ours], "rate": rate}
        for ours, rate in ((True, 1.0), (False, backbone_rate))
        for group in found
    ]


def check_answers(answers: Tensor, when: str) -> None:
    """Raise DivergedError for answers that are no finite numbers, which metrics would take for a class or a box."""
    if len(wrong := answers[~answers.isfinite()]):
        raise DivergedError(f"the network's answers became {wrong[0].item()} {when}")


@torch.inference_mode()
def predict(network: nn.Module, images: Images, batch_size: int | None = None) -> Predictions:
    """Compute a network's outputs for the validation images, `batch_size` at once, by default fewer of large ones."""
    network.eval()
    outputs = []
    at_once = batch_size or max(min(LIMIT, PIXELS // images.resolution**2), 1)
    for x in torch.split(images.validation_x, at_once):
        with torch.autocast("cuda", torch.bfloat16, enabled=x.device.type == "cuda"):
            outputs.append(network(images.normalise(x)))
    return Predictions(torch.cat(outputs), images.validation_y)
