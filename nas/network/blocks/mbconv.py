"""CoAtNet's MBConv, https://arxiv.org/abs/2106.04803 (section 2.2, Eq. 5; Table 9 for the other stride)."""

from typing import Literal

from torch import Tensor

from nas.network.blocks._base import Block, Site
from nas.network.layers.drop_path import DropPath
from nas.network.layers.initialise import normal
from nas.network.layers.inverted_bottleneck import InvertedBottleneck
from nas.network.layers.shortcut import pooled_shortcut
from nas.network.options import Expansion, Kernel, Ratio


class MBConv(Block):
    """Pre-norm inverted bottleneck with Squeeze-and-Excitation, and nothing after the addition.

    `expansion` multiplies the output width. `stride_on`: the first 1x1 (`expand`, the paper's main results)
    or the depthwise convolution (`depthwise`, its Table 9, MaxViT and MOAT).
    """

    letter = "M"

    def __init__(
        self,
        site: Site,
        *,
        expansion: Expansion = 4,
        kernel_size: Kernel = 3,
        se_ratio: Ratio = 0.25,
        stride_on: Literal["expand", "depthwise"] = "expand",
    ) -> None:
        super().__init__()
        self.branch = InvertedBottleneck(
            site.in_width,
            site.width,
            site.stride,
            expansion=expansion,
            kernel_size=kernel_size,
            se_ratio=se_ratio,
            stride_on=stride_on,
        )
        self.shortcut = pooled_shortcut(site.in_width, site.width, site.stride)
        self.drop_path = DropPath(site.drop_path)
        self.apply(normal)

    def forward(self, x: Tensor) -> Tensor:
        return self.shortcut(x) + self.drop_path(self.branch(x))
