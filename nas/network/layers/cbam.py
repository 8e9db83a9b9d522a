"""The Convolutional Block Attention Module, https://arxiv.org/abs/1807.06521 (section 3; details from its code)."""

import torch
from torch import Tensor, nn


class CBAM(nn.Sequential):
    """A gate over channels, then a gate over positions computed from what the first lets through."""

    def __init__(self, width: int, squeezed: int) -> None:
        super().__init__()
        self.channel = ChannelGate(width, squeezed)
        self.spatial = SpatialGate()


class ChannelGate(nn.Module):
    """Each channel times `sigmoid(MLP(means) + MLP(maxima))`, one MLP for both."""

    def __init__(self, width: int, squeezed: int) -> None:
        super().__init__()
        reduce, expand = nn.Linear(width, squeezed), nn.Linear(squeezed, width)
        nn.init.zeros_(reduce.bias)
        nn.init.zeros_(expand.bias)
        self.mlp = nn.Sequential(reduce, nn.ReLU(), expand)

    def forward(self, x: Tensor) -> Tensor:
        gate = self.mlp(x.mean((2, 3))) + self.mlp(x.amax((2, 3)))
        return x * gate.sigmoid()[..., None, None]


class SpatialGate(nn.Module):
    """Each position times a gate from the maximum and the mean of its channels.

    The norm's scale starts at zero and with it the gate at a half, as in the authors' code.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, 7, padding=3, bias=False)
        self.norm = nn.BatchNorm2d(1, momentum=0.01)
        nn.init.zeros_(self.norm.weight)

    def forward(self, x: Tensor) -> Tensor:
        pooled = torch.cat([x.amax(1, keepdim=True), x.mean(1, keepdim=True)], dim=1)
        return x * self.norm(self.conv(pooled)).sigmoid()
