"""Zero-cost scores estimate how good an untrained network will become.

A file of this folder holds one score, named like the file, or those that its `__all__` names.
"""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from nas.network.build import Network
from nas.training.tasks import Loss


@dataclass(frozen=True)
class Sample:
    """A batch to score a network on, with the task's loss.

    `x` are two or more normalised images `(batch, channels, height, width)`, `targets` belong to them.
    """

    x: Tensor
    targets: Tensor
    loss: Loss


Score = Callable[[Network, Sample], float]
"""`score(network, sample)` estimates how good an untrained network will become, more being better.

The network stays as it was: weights, buffers, gradients and mode. Not a finite number where the score is undefined.
"""


def replica(network: nn.Module) -> nn.Module:
    """Copy a network as it is at the first step of a training, but with nothing dropped at random.

    BatchNorm takes the batch's statistics, as its initial ones fit no image.
    """
    copied = copy.deepcopy(network).eval()
    for module in copied.modules():
        if isinstance(module, _BatchNorm):
            module.train()
    return copied


def weights(network: nn.Module) -> list[Tensor]:
    """The kernels and matrices that the papers' scores sum over, without biases, norms and tables."""
    return [module.weight for module in network.modules() if isinstance(module, nn.Conv2d | nn.Linear)]


def gradients(network: nn.Module, sample: Sample) -> Iterator[tuple[Tensor, Tensor]]:
    """Each kernel or matrix that the loss reaches, with the gradient of the batch's mean loss."""
    copied = replica(network)
    own = weights(copied)
    found = torch.autograd.grad(sample.loss(copied(sample.x), sample.targets), own, allow_unused=True)
    return ((weight, gradient) for weight, gradient in zip(own, found, strict=True) if gradient is not None)
