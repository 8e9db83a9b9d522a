"""The short training that ranks networks."""

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_

from nas.errors import DivergedError
from nas.network.layers.initialise import scaled
from nas.training.images import Images, augment
from nas.training.recipe import Recipe
from nas.training.tasks import Predictions, Task

Between = Callable[[float, Tensor], None]
"""Called after every step with the finished share of the training and the step's loss."""


def train(
    network: nn.Module,
    images: Images,
    recipe: Recipe,
    task: Task,
    seed: int,
    between: Between = lambda share, loss: None,
) -> tuple[float, ...]:
    """Train a network in place and return the mean loss of each epoch.

    The same seed gives the same network on the same machine. Raises DivergedError when an epoch's mean loss is not
    finite, and what `between` raises.
    """
    device = images.train_x.device
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)  # initial weights and drop path draw from torch's own generator
        if recipe.initial == "scaled":
            scaled(network)
        return tuple(_epochs(network, images, recipe, task, torch.Generator(device).manual_seed(seed), between))


def _epochs(
    network: nn.Module, images: Images, recipe: Recipe, task: Task, generator: torch.Generator, between: Between
) -> Iterator[float]:
    """Run the epochs and yield the mean loss of each."""
    device = images.train_x.device
    steps = max(len(images.train_y) // recipe.batch_size, 1)
    optimizer = torch.optim.AdamW(groups(network, recipe.weight_decay), lr=recipe.learning_rate, fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, _warmup_cosine(steps * recipe.epochs, recipe.warmup))
    network.train()
    for epoch in range(recipe.epochs):
        total = torch.zeros((), device=device)
        order = torch.randperm(len(images.train_y), generator=generator, device=device)
        for step, rows in enumerate(order[: steps * recipe.batch_size].chunk(steps), 1):
            x = augment(images.normalise(images.train_x[rows]), recipe, images.mirror, generator)
            with torch.autocast("cuda", torch.bfloat16, enabled=device.type == "cuda"):
                loss = task.loss(network(x), images.train_y[rows], recipe.label_smoothing)
            optimizer.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            clip_grad_norm_(network.parameters(), recipe.clip)
            optimizer.step()
            schedule.step()
            total += loss.detach()
            between((epoch + step / steps) / recipe.epochs, loss.detach())
        mean = total.item() / steps
        if not math.isfinite(mean):
            raise DivergedError(f"the loss became {mean} in epoch {epoch + 1}")
        yield mean


def groups(network: nn.Module, weight_decay: float) -> list[dict[str, object]]:
    """Put weight decay on kernels and matrices only, not on norms, biases, position tables or tokens."""
    decayed = [m.weight for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    taken = {id(p) for p in decayed}
    rest = [p for p in network.parameters() if id(p) not in taken]
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": rest, "weight_decay": 0.0}]


def _warmup_cosine(steps: int, warmup: float) -> Callable[[int], float]:
    """Make the learning rate's factor at a step: linear to 1 over the warm-up, then half a cosine to 0."""
    rise = max(int(steps * warmup), 1)

    def factor(step: int) -> float:
        if step < rise:
            return (step + 1) / rise
        return 0.5 * (1 + math.cos(math.pi * min((step - rise) / max(steps - rise, 1), 1.0)))

    return factor


@torch.inference_mode()
def predict(network: nn.Module, images: Images, batch_size: int = 500) -> Predictions:
    """Compute a network's outputs for the validation images, `batch_size` at once."""
    network.eval()
    outputs = []
    for x in torch.split(images.validation_x, batch_size):
        with torch.autocast("cuda", torch.bfloat16, enabled=x.device.type == "cuda"):
            outputs.append(network(images.normalise(x)))
    return Predictions(torch.cat(outputs), images.validation_y)
