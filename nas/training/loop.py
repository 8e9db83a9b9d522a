"""The short training that scores a network: the inner loop of everything.

Images stay on the training device as one uint8 tensor; augmentation is tensor code on that device.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import clip_grad_norm_

from nas.data._base import Dataset
from nas.errors import DivergedError
from nas.network.layers.initialise import scaled
from nas.training.recipe import Recipe


@dataclass(frozen=True)
class Images:
    """A data set's training and validation parts on a device; uint8 `(images, channels, height, width)`."""

    train_x: Tensor
    train_y: Tensor
    validation_x: Tensor
    validation_y: Tensor
    mean: Tensor
    std: Tensor
    mirror: bool

    def normalise(self, x: Tensor) -> Tensor:
        """Float images with the training part's mean and deviation removed, channels last in memory."""
        x = x.to(torch.float32, memory_format=torch.channels_last)
        return x.sub_(self.mean).div_(self.std)

    @property
    def resolution(self) -> int:
        """The side in pixels."""
        return self.train_x.shape[-1]


def place(
    dataset: Dataset, device: torch.device, *, side: int | None = None, subset: int | None = None, seed: int = 0
) -> Images:
    """A data set's parts on a device, resized to `side` pixels; all trials have the same `subset` of images."""
    rows = dataset.train
    if subset is not None and subset < len(rows):
        rows = np.random.default_rng(seed).permutation(rows)[:subset]
    train_x, validation_x = (_resized(dataset.images[part], side) for part in (rows, dataset.validation))
    std, mean = torch.std_mean(train_x.transpose(0, 1).flatten(1).float(), dim=1)
    return Images(
        train_x=train_x.to(device),
        train_y=torch.from_numpy(dataset.labels[rows]).to(device),
        validation_x=validation_x.to(device),
        validation_y=torch.from_numpy(dataset.labels[dataset.validation]).to(device),
        mean=mean.view(-1, 1, 1).to(device),
        std=std.clamp(min=1.0).view(-1, 1, 1).to(device),
        mirror=dataset.mirror,
    )


def _resized(images: NDArray[np.uint8], side: int | None) -> Tensor:
    x = torch.from_numpy(images)
    if side is None or x.shape[2:] == (side, side):
        return x
    parts = [
        F.interpolate(part.float(), (side, side), mode="bilinear", antialias=True) for part in torch.split(x, 1000)
    ]
    return torch.cat(parts).round_().clamp_(0, 255).to(torch.uint8)


@dataclass(frozen=True)
class Trained:
    """What a training came to: the share of validation images classified rightly, and the mean loss of each epoch."""

    accuracy: float
    losses: tuple[float, ...]


Between = Callable[[float, Tensor], None]
"""Called after every step with the share of the training that is done, and the step's loss."""


def train(
    network: nn.Module, images: Images, recipe: Recipe, seed: int, between: Between = lambda share, loss: None
) -> Trained:
    """Train a network in place and score it. The same seed gives the same result on the same machine.

    Raises DivergedError when the loss is not finite at the end of an epoch, and what `between` raises.
    """
    device = images.train_x.device
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)  # initial weights and drop path draw from torch's own generator
        if recipe.initial == "scaled":
            scaled(network)
        losses = tuple(_epochs(network, images, recipe, torch.Generator(device).manual_seed(seed), between))
    return Trained(accuracy(network, images), losses)


def _epochs(
    network: nn.Module, images: Images, recipe: Recipe, generator: torch.Generator, between: Between
) -> Iterator[float]:
    """Run the epochs; yield each one's mean loss."""
    device = images.train_x.device
    steps = max(len(images.train_y) // recipe.batch_size, 1)
    optimizer = torch.optim.AdamW(_groups(network, recipe.weight_decay), lr=recipe.learning_rate, fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, _warmup_cosine(steps * recipe.epochs, recipe.warmup))
    network.train()
    for epoch in range(recipe.epochs):
        total = torch.zeros((), device=device)
        order = torch.randperm(len(images.train_y), generator=generator, device=device)
        for step, rows in enumerate(order[: steps * recipe.batch_size].chunk(steps), 1):
            x = augment(images.normalise(images.train_x[rows]), recipe, images.mirror, generator)
            with torch.autocast("cuda", torch.bfloat16, enabled=device.type == "cuda"):
                loss = F.cross_entropy(network(x), images.train_y[rows], label_smoothing=recipe.label_smoothing)
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


def _groups(network: nn.Module, weight_decay: float) -> list[dict[str, object]]:
    """Weight decay on kernels and matrices only: not on norms, biases, position tables or tokens."""
    decayed = [m.weight for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    known = {id(p) for p in decayed}
    rest = [p for p in network.parameters() if id(p) not in known]
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": rest, "weight_decay": 0.0}]


def _warmup_cosine(steps: int, warmup: float) -> Callable[[int], float]:
    """Factor of the learning rate at a step: linear to 1 over the warm-up, then half a cosine to 0."""
    rise = max(int(steps * warmup), 1)

    def factor(step: int) -> float:
        if step < rise:
            return (step + 1) / rise
        return 0.5 * (1 + math.cos(math.pi * min((step - rise) / max(steps - rise, 1), 1.0)))

    return factor


def augment(x: Tensor, recipe: Recipe, mirror: bool, generator: torch.Generator) -> Tensor:
    """Mirror, shift and cut out a square, each image on its own; `(batch, channels, height, width)` in and out."""
    scale = x.shape[-1] / 32
    if mirror:
        flipped = torch.rand(len(x), 1, 1, 1, generator=generator, device=x.device) < 0.5
        x = torch.where(flipped, x.flip(3), x)
    if shift := min(round(recipe.shift * scale), x.shape[-1] - 1):
        x = _shift(x, shift, generator)
    if size := min(round(recipe.cutout * scale), x.shape[-1]):
        x = _cutout(x, size, generator)
    return x


def _shift(x: Tensor, most: int, generator: torch.Generator) -> Tensor:
    """Move each image by up to `most` pixels each way; what comes in is the image's reflection."""
    batch, _, height, width = x.shape
    windows = F.pad(x, (most,) * 4, mode="reflect").unfold(2, height, 1).unfold(3, width, 1)
    dy, dx = torch.randint(0, 2 * most + 1, (2, batch), generator=generator, device=x.device)
    moved = windows[torch.arange(batch, device=x.device), :, dy, dx]
    return moved.contiguous(memory_format=torch.channels_last)


def _cutout(x: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """Set a square of each image to the mean (arXiv:1708.04552)."""
    batch, _, height, width = x.shape
    top, left = torch.randint(-size // 2, max(height, width), (2, batch, 1), generator=generator, device=x.device)
    rows, columns = torch.arange(height, device=x.device), torch.arange(width, device=x.device)
    in_rows = (rows >= top) & (rows < top + size)
    in_columns = (columns >= left) & (columns < left + size)
    return x.masked_fill((in_rows[:, :, None] & in_columns[:, None, :])[:, None], 0.0)


@torch.inference_mode()
def accuracy(network: nn.Module, images: Images, batch_size: int = 500) -> float:
    """Share of the validation images that the network classifies rightly."""
    network.eval()
    device, right = images.validation_y.device, 0
    for rows in torch.split(torch.arange(len(images.validation_y), device=device), batch_size):
        with torch.autocast("cuda", torch.bfloat16, enabled=device.type == "cuda"):
            scores = network(images.normalise(images.validation_x[rows]))
        right += int((scores.argmax(1) == images.validation_y[rows]).sum())
    return right / len(images.validation_y)
