"""Squeeze-and-Excitation (arXiv:1709.01507, section 3)."""

from torch import Tensor, nn


class SqueezeExcitation(nn.Module):
    """Each channel times a gate computed from the means of all channels; `(batch, width, H, W)` in and out."""

    def __init__(self, width: int, squeezed: int, activation: type[nn.Module] = nn.ReLU) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(width, squeezed, 1)
        self.activation = activation()
        self.expand = nn.Conv2d(squeezed, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        gate = self.expand(self.activation(self.reduce(x.mean((2, 3), keepdim=True))))
        return x * gate.sigmoid()
