"""MobileNetV2's inverted residual with linear bottleneck, https://arxiv.org/abs/1801.04381 (section 3.3, Table 1)."""

from torch import Tensor, nn

from nas.network.blocks._base import Block, Site
from nas.network.layers.drop_path import DropPath
from nas.network.layers.initialise import truncated_normal
from nas.network.layers.separable import depthwise, pointwise
from nas.network.options import Expansion, Kernel


class InvertedResidual(Block):
    """1x1 expansion, depthwise convolution (both with BatchNorm and ReLU6), linear 1x1 projection with BatchNorm.

    `expansion` multiplies the *input* width; 1 leaves the expansion out. There is a shortcut only where the block
    changes neither width nor resolution.
    """

    letter = "I"

    def __init__(self, site: Site, *, expansion: Expansion = 6, kernel_size: Kernel = 3) -> None:
        super().__init__()
        hidden = max(1, int(expansion * site.in_width))
        expand = (*pointwise(site.in_width, hidden), nn.ReLU6(inplace=True)) if expansion != 1 else ()
        self.branch = nn.Sequential(
            *expand, *depthwise(hidden, kernel_size, site.stride), *pointwise(hidden, site.width)
        )
        self.residual = site.stride == 1 and site.in_width == site.width
        self.drop_path = DropPath(site.drop_path)
        self.apply(truncated_normal)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.drop_path(self.branch(x)) if self.residual else self.branch(x)
