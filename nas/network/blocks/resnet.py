"""ResNet's basic and bottleneck block, https://arxiv.org/abs/1512.03385, with the gates of later papers."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field
from torch import Tensor, nn

from nas.network.blocks import Block, Site
from nas.network.layers.frozen import Frozen, freeze, norm_of
from nas.network.layers.gates import after_stage, gates
from nas.network.layers.initialise import kaiming
from nas.network.layers.residual import DropPath, convolution, projection_shortcut
from nas.network.options import Kernel, Ratio, Scalar

__all__ = ["bottleneck", "conv"]

Divisor = Annotated[int, Field(ge=1, le=16), "from 1 to 16 that divides the width"]


class _Residual(Block):
    """What both blocks do after their convolutions: gates, the shortcut's addition and ReLU."""

    def _close(
        self, site: Site, se_ratio: float, cbam_ratio: float, bam_ratio: float, norm: type[nn.Module] = nn.BatchNorm2d
    ) -> None:
        """Build what follows the convolutions, and initialise the whole block."""
        self.gates = gates(site.width, se_ratio, cbam_ratio)
        self.shortcut = projection_shortcut(site.in_width, site.width, site.stride, norm)
        self.drop_path = DropPath(site.drop_path)
        self.after = after_stage(site.width, bam_ratio, site.index, site.depth)
        self.apply(kaiming)

    def add(self, branch: Tensor, x: Tensor) -> Tensor:
        """Add the block's input to what the convolutions made of it."""
        return self.after(self.drop_path(self.gates(branch)).add_(self.shortcut(x)).relu_())

    @classmethod
    def by_position(cls, options: Mapping[str, Scalar]) -> bool:
        """Tell whether BAM follows a stage's last block, or dilation its first."""
        return bool(options.get("bam_ratio")) or options.get("dilation", 1) != 1


class Conv(_Residual):
    """Two convolutions with BatchNorm, ReLU after the first and after the addition.

    From section 4.1, Fig. 5 left, with projection shortcuts (option B).

    `se_ratio` and `cbam_ratio` add Squeeze-and-Excitation or CBAM before the addition, `bam_ratio` BAM after the
    stage's last block. Each is the squeezed width as a share of the width (0: none; the papers use 1/16).
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
        self.conv1 = convolution(site.in_width, width, kernel_size, site.stride)
        self.norm1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, kernel_size, 1, padding, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        self._close(site, se_ratio, cbam_ratio, bam_ratio)

    def forward(self, x: Tensor) -> Tensor:
        branch = self.norm1(self.conv1(x)).relu_()
        return self.add(self.norm2(self.conv2(branch)), x)


class Bottleneck(_Residual):
    """1x1, 3x3 and 1x1 convolutions with BatchNorm.

    From section 4.1, Fig. 5 right, in version 1.5, https://arxiv.org/abs/1706.02677 (section 5.1), with the stride on
    the 3x3 convolution instead of the first 1x1. The hidden width is the width divided by `expansion`.

    `se_ratio` and `cbam_ratio` add Squeeze-and-Excitation or CBAM before the addition, `bam_ratio` BAM after the
    stage's last block. Each is the squeezed width as a share of the width (0: none; the papers use 1/16).

    `dilation` is that of the 3x3 convolutions after the stage's first block, as where a stage keeps a map that its
    stride would have halved (DC5 of detectors, with stride 1 and dilation 2). `frozen` leaves the norms as they are in
    training, or all weights: for a network that begins from trained ones.
    """

    letter = "B"

    def __init__(
        self,
        site: Site,
        *,
        expansion: Divisor = 4,
        kernel_size: Kernel = 3,
        se_ratio: Ratio = 0.0,
        cbam_ratio: Ratio = 0.0,
        bam_ratio: Ratio = 0.0,
        dilation: Literal[1, 2, 4] = 1,
        frozen: Frozen = "none",
    ) -> None:
        super().__init__()
        width, hidden, norm = site.width, site.width // expansion, norm_of(frozen)
        self.reduce = nn.Conv2d(site.in_width, hidden, 1, bias=False)
        self.norm1 = norm(hidden)
        self.conv = convolution(hidden, hidden, kernel_size, site.stride, dilation if site.index else 1)
        self.norm2 = norm(hidden)
        self.expand = nn.Conv2d(hidden, width, 1, bias=False)
        self.norm3 = norm(width)
        self._close(site, se_ratio, cbam_ratio, bam_ratio, norm)
        freeze(self, frozen)

    def forward(self, x: Tensor) -> Tensor:
        branch = self.norm1(self.reduce(x)).relu_()
        branch = self.norm2(self.conv(branch)).relu_()
        return self.add(self.norm3(self.expand(branch)), x)

    @classmethod
    def misfit(cls, option: str, value: Scalar, width: int) -> str | None:
        """Require the expansion to divide the width."""
        if option == "expansion" and width % int(value):
            return f"width {width} is not divisible by expansion {value}"
        return None
