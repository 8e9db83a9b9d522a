"""ResNet's basic block, https://arxiv.org/abs/1512.03385 (section 4.1, Fig. 5 left; projection shortcuts, option B)."""

from torch import Tensor, nn

from nas.blocks._base import Block, Site
from nas.layers.drop_path import DropPath
from nas.layers.initialise import kaiming
from nas.layers.squeeze_excitation import SqueezeExcitation
from nas.options import Kernel, Ratio


class Conv(Block):
    """Two convolutions with BatchNorm, ReLU after the first and after the addition.

    `se_ratio`: Squeeze-and-Excitation before the addition, the squeezed width as a share of the width (0: none).
    """

    letter = "C"

    def __init__(self, site: Site, *, kernel_size: Kernel = 3, se_ratio: Ratio = 0.0) -> None:
        super().__init__()
        padding, width = kernel_size // 2, site.width
        self.conv1 = nn.Conv2d(site.in_width, width, kernel_size, site.stride, padding, bias=False)
        self.norm1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, kernel_size, 1, padding, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        self.gate = SqueezeExcitation(width, max(1, int(width * se_ratio))) if se_ratio else nn.Identity()
        self.shortcut: nn.Module = nn.Identity()
        if site.stride > 1 or site.in_width != width:
            projection = nn.Conv2d(site.in_width, width, 1, site.stride, bias=False)
            self.shortcut = nn.Sequential(projection, nn.BatchNorm2d(width))
        self.drop_path = DropPath(site.drop_path)
        self.apply(kaiming)

    def forward(self, x: Tensor) -> Tensor:
        branch = self.norm1(self.conv1(x)).relu_()
        branch = self.gate(self.norm2(self.conv2(branch)))
        return (self.shortcut(x) + self.drop_path(branch)).relu_()
