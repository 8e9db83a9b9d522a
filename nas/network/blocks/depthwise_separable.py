"""MobileNetV1's depthwise separable convolution, https://arxiv.org/abs/1704.04861 (section 3.1, Fig. 3)."""

from torch import Tensor, nn

from nas.network.blocks._base import Block, Site
from nas.network.layers.initialise import truncated_normal
from nas.network.layers.separable import depthwise, pointwise
from nas.network.options import Kernel


class DepthwiseSeparable(Block):
    """Depthwise and 1x1 convolution, each with BatchNorm and the authors' ReLU6; no residual branch to drop."""

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
