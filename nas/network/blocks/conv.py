"""ResNet's basic block, https://arxiv.org/abs/1512.03385 (section 4.1, Fig. 5 left; projection shortcuts, option B)."""

from collections.abc import Mapping

from torch import Tensor, nn

from nas.network.blocks._base import Block, Site
from nas.network.layers.bam import after_stage
from nas.network.layers.drop_path import DropPath
from nas.network.layers.initialise import kaiming
from nas.network.layers.residual import gates, projection_shortcut
from nas.network.options import Kernel, Ratio, Scalar


class Conv(Block):
    """Two convolutions with BatchNorm, ReLU after the first and after the addition.

    `se_ratio`, `cbam_ratio`: Squeeze-and-Excitation or CBAM before the addition; `bam_ratio`: BAM after the stage's
    last block. Each is the squeezed width as a share of the width (0: none; the papers have 1/16).
    """

    letter = "C"

    def __init__(
        self,
        site: Site,
        *,
        kernel_size: Kernel = 3,
        se_ratio: Ratio = 0.0,
        cbam_ratio: Ratio = 0.0,
        bam_ratio: Ratio = 0.0,
    ) -> None:
        super().__init__()
        padding, width = kernel_size // 2, site.width
        self.conv1 = nn.Conv2d(site.in_width, width, kernel_size, site.stride, padding, bias=False)
        self.norm1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, kernel_size, 1, padding, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        self.gates = gates(width, se_ratio, cbam_ratio)
        self.shortcut = projection_shortcut(site.in_width, width, site.stride)
        self.drop_path = DropPath(site.drop_path)
        self.after = after_stage(width, bam_ratio, site.index, site.depth)
        self.apply(kaiming)

    def forward(self, x: Tensor) -> Tensor:
        branch = self.norm1(self.conv1(x)).relu_()
        branch = self.gates(self.norm2(self.conv2(branch)))
        return self.after(self.drop_path(branch).add_(self.shortcut(x)).relu_())

    @classmethod
    def placed(cls, options: Mapping[str, Scalar]) -> bool:
        """BAM stands after a stage's last block."""
        return bool(options.get("bam_ratio"))
