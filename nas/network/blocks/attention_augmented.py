"""ResNet's blocks with attention-augmented convolution, https://arxiv.org/abs/1904.09925 (sections 3.2, 4.2)."""

from typing import Annotated, Literal

from pydantic import Field
from torch import Tensor, nn

from nas.network.blocks._base import Block, Site
from nas.network.layers.augmented_conv import AugmentedConv
from nas.network.layers.drop_path import DropPath
from nas.network.layers.initialise import kaiming
from nas.network.layers.residual import projection_shortcut
from nas.network.options import Count, Kernel, Ratio, Scalar

Share = Annotated[float, Field(gt=0, le=1), "above 0, at most 1"]


class AttentionAugmented(Block):
    """The 3x3 convolution of a bottleneck, or the first of a basic block, is augmented by attention.

    `kappa`, `upsilon`: the shares of keys and values in that convolution's width; `attention_stride` 2: attention
    sees a pooled map, as in the paper's stage of 28 x 28 pixels. The bottleneck's hidden width is a fourth.
    """

    letter = "AA"

    def __init__(
        self,
        site: Site,
        *,
        residual: Literal["bottleneck", "basic"] = "bottleneck",
        kernel_size: Kernel = 3,
        kappa: Ratio = 0.2,
        upsilon: Share = 0.1,
        heads: Count = 8,
        attention_stride: Literal[1, 2] = 1,
    ) -> None:
        super().__init__()
        bottleneck = residual == "bottleneck"
        hidden = site.width // 4 if bottleneck else site.width
        augmented = AugmentedConv(
            hidden if bottleneck else site.in_width,
            hidden,
            kernel_size,
            site.stride,
            site.resolution,
            kappa=kappa,
            upsilon=upsilon,
            heads=heads,
            attention_stride=attention_stride,
        )
        last = 1 if bottleneck else kernel_size
        self.branch = nn.Sequential(
            *(_normed(nn.Conv2d(site.in_width, hidden, 1, bias=False), hidden) if bottleneck else ()),
            *_normed(augmented, hidden),
            nn.Conv2d(hidden, site.width, last, 1, last // 2, bias=False),
            nn.BatchNorm2d(site.width),
        )
        self.shortcut = projection_shortcut(site.in_width, site.width, site.stride)
        self.drop_path = DropPath(site.drop_path)
        self.apply(kaiming)

    def forward(self, x: Tensor) -> Tensor:
        return self.drop_path(self.branch(x)).add_(self.shortcut(x)).relu_()

    @classmethod
    def misfit(cls, option: str, value: Scalar, width: int) -> str | None:
        """A bottleneck needs a width divisible by four, and convolution half of it beside a value channel a head."""
        if option == "residual" and value == "bottleneck" and width % 4:
            return f"width {width} is not divisible by 4, as residual: bottleneck needs"
        if option == "heads" and width < 8 * int(value):
            return f"width {width} is too narrow for {value} heads: it must be at least {8 * int(value)}"
        return None


def _normed(conv: nn.Module, width: int) -> tuple[nn.Module, ...]:
    return conv, nn.BatchNorm2d(width), nn.ReLU(inplace=True)
