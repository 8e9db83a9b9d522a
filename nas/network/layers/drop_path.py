"""Stochastic depth (arXiv:1603.09382): a residual branch is dropped for some samples of a batch."""

from torch import Tensor, nn


class DropPath(nn.Module):
    """Zeroes a sample's branch with probability `rate` in training and scales the rest by 1 / (1 - rate)."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.rate == 0:
            return x
        keep = 1 - self.rate
        mask = x.new_empty(x.shape[0], *[1] * (x.ndim - 1)).bernoulli_(keep)
        return x * (mask / keep)
