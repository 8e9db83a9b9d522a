"""The blocks of MobileNetV1, https://arxiv.org/abs/1704.04861, and MobileNetV2, https://arxiv.org/abs/1801.04381."""

from torch import Tensor, nn

from nas.network.blocks import Block, Site
from nas.network.layers.initialise import truncated_normal
from nas.network.layers.residual import Depthwise, DropPath
from nas.network.options import Expansion, Kernel

__all__ = ["depthwise_separable", "inverted_residual"]


class DepthwiseSeparable(Block):
    """Depthwise and 1x1 convolution, each with BatchNorm and the authors' ReLU6.

    MobileNetV1's (section 3.1, Fig. 3). Drop path has no residual branch to drop here.
    """

    letter = "D"

    def __init__(self, site: Site, *, kernel_size: Kernel = 3) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *depthwise(site.in_width, kernel_size, site.stride),
            *pointwise(site.in_width, site.width),
            nn.ReLU6(inplace=True),
        )
        self.apply(truncated_normal)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class InvertedResidual(Block):
    """1x1 expansion, depthwise convolution (both with BatchNorm and ReLU6), linear 1x1 projection with BatchNorm.

    MobileNetV2's (section 3.3, Table 1). `expansion` multiplies the *input* width; 1 leaves the expansion out. Only a
    block that changes neither width nor resolution has a shortcut.
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


def depthwise(width: int, kernel_size: int, stride: int) -> tuple[nn.Module, ...]:
    """Build depthwise convolution, BatchNorm, ReLU6."""
    return Depthwise(width, kernel_size, stride), nn.BatchNorm2d(width), nn.ReLU6(inplace=True)


def pointwise(in_width: int, width: int) -> tuple[nn.Module, ...]:
    """Build 1x1 convolution, BatchNorm."""
    return nn.Conv2d(in_width, width, 1, bias=False), nn.BatchNorm2d(width)
