"""MOAT, https://arxiv.org/abs/2210.01820 (section 3.1, Fig. 2, with details from the authors' deeplab2)."""

from typing import Annotated

from pydantic import AfterValidator, Field
from torch import Tensor, nn

from nas.network.blocks import Block, Site
from nas.network.layers.initialise import normal
from nas.network.layers.relative import RelativeAttention
from nas.network.layers.residual import DropPath, InvertedBottleneck, pooled_shortcut
from nas.network.layers.tokens import to_map, to_tokens
from nas.network.layers.windows import WindowAttention
from nas.network.options import Expansion, HeadDim, Kernel


def _not_one(value: int) -> int:
    if value == 1:
        raise ValueError("a window of one pixel")
    return value


Window = Annotated[int, Field(ge=0, le=64), AfterValidator(_not_one), "from 2 to 64, or 0 for the whole map"]


class MOAT(Block):
    """Inverted bottleneck without Squeeze-and-Excitation, then pre-norm attention, without a feed-forward network.

    Only the depthwise convolution reduces the map. `window` is the side in pixels of windows for attention, which
    neither overlap nor shift, as the authors use for large images; 0 attends over the whole map.
    """

    letter = "A"

    def __init__(
        self,
        site: Site,
        *,
        expansion: Expansion = 4,
        kernel_size: Kernel = 3,
        head_dim: HeadDim = 32,
        window: Window = 0,
    ) -> None:
        super().__init__()
        self.branch = InvertedBottleneck(
            site.in_width,
            site.width,
            site.stride,
            expansion=expansion,
            kernel_size=kernel_size,
            se_ratio=0,
            stride_on="depthwise",
        )
        self.shortcut = pooled_shortcut(site.in_width, site.width, site.stride)
        self.norm = nn.LayerNorm(site.width)
        self.window = window
        self.attention: nn.Module
        if window:
            self.attention = WindowAttention(site.width, head_dim, window, site.out_resolution)
        else:
            self.attention = RelativeAttention(site.width, site.width, head_dim, site.out_resolution)
        self.drop_path = DropPath(site.drop_path)
        self.apply(normal)

    def forward(self, x: Tensor) -> Tensor:
        x = self.shortcut(x) + self.drop_path(self.branch(x))
        resolution = (x.shape[2], x.shape[3])
        tokens = to_tokens(x)
        normed = self.norm(tokens)
        if self.window:
            mixed = self.attention(normed.view(x.shape[0], *resolution, -1)).flatten(1, 2)
        else:
            mixed = self.attention(normed, resolution)
        return to_map(tokens + self.drop_path(mixed), resolution)
