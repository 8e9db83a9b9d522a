"""Parts of a network that a training leaves as they are."""

from typing import Literal

import torch
from torch import Tensor, nn

Frozen = Literal["none", "norm", "all"]
"""What a training leaves alone: nothing, the norms, or every weight too."""


class FrozenBatchNorm(nn.Module):
    """BatchNorm whose statistics and affine are those it was given, in training too: a scale and a shift a channel.

    Detection's, whose batches are too small for statistics (https://arxiv.org/abs/1506.01497). It has the names of
    BatchNorm's weights, all as buffers, so that a network takes those of its classification training.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Buffer(torch.ones(width))
        self.bias = nn.Buffer(torch.zeros(width))
        self.running_mean = nn.Buffer(torch.zeros(width))
        self.running_var = nn.Buffer(torch.ones(width))
        self.num_batches_tracked = nn.Buffer(torch.tensor(0))

    def forward(self, x: Tensor) -> Tensor:
        scale = self.weight * (self.running_var + 1e-5).rsqrt()
        shift = self.bias - self.running_mean * scale
        return torch.addcmul(shift[:, None, None], x, scale[:, None, None])


def norm_of(frozen: Frozen) -> type[nn.Module]:
    """Return the kind of BatchNorm."""
    return nn.BatchNorm2d if frozen == "none" else FrozenBatchNorm


def freeze(module: nn.Module, frozen: Frozen) -> None:
    """Take all weights out of the training, if all are to be."""
    if frozen == "all":
        module.requires_grad_(False)
