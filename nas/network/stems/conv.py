"""CoAtNet's and MOAT's convolutional stem, https://arxiv.org/abs/2106.04803 (Table 3, stage S0)."""

from typing import Literal

from torch import Tensor, nn

from nas.network.layers.initialise import normal
from nas.network.stems._base import Stem


class Conv(Stem):
    """3x3 convolution that strides, BatchNorm, GELU, 3x3 convolution with neither norm nor activation after it.

    `bias`: MOAT's and MaxViT's convolutions have biases, timm's CoAtNet has none.
    """

    def __init__(self, channels: int, width: int, *, stride: Literal[1, 2] = 2, bias: bool = False) -> None:
        super().__init__()
        self.stride = stride
        self.conv1 = nn.Conv2d(channels, width, 3, stride, 1, bias=bias)
        self.norm = nn.BatchNorm2d(width)
        self.activation = nn.GELU()
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=bias)
        self.apply(normal)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv2(self.activation(self.norm(self.conv1(x))))
