"""The MobileNets' stem, https://arxiv.org/abs/1704.04861 (Table 1) and https://arxiv.org/abs/1801.04381 (Table 2)."""

from typing import Literal

from torch import Tensor, nn

from nas.network.layers.initialise import truncated_normal
from nas.network.stems._base import Stem


class MobileNet(Stem):
    """3x3 convolution that strides, BatchNorm, ReLU6."""

    def __init__(self, channels: int, width: int, *, stride: Literal[1, 2] = 2) -> None:
        super().__init__()
        self.stride = stride
        self.conv = nn.Conv2d(channels, width, 3, stride, 1, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.activation = nn.ReLU6(inplace=True)
        self.apply(truncated_normal)

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(self.norm(self.conv(x)))
