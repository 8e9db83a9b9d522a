"""CoAtNet's MBConv and transformer block, https://arxiv.org/abs/2106.04803."""

from typing import Literal

from torch import Tensor, nn

from nas.network.blocks import Block, Site
from nas.network.layers.initialise import normal
from nas.network.layers.relative import RelativeAttention
from nas.network.layers.residual import MLP, DropPath, InvertedBottleneck, Pool, pooled_shortcut, pooling
from nas.network.layers.tokens import to_map, to_tokens
from nas.network.options import Expansion, HeadDim, Kernel, Ratio

__all__ = ["mbconv", "transformer"]


class MBConv(Block):
    """Pre-norm inverted bottleneck with Squeeze-and-Excitation, and nothing after the addition (section 2.2, Eq. 5).

    `expansion` multiplies the output width. `stride_on` names the convolution with the stride: the first 1x1
    (`expand`, the paper's main results) or the depthwise one (`depthwise`, its Table 9, MaxViT and MOAT).
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


class Transformer(Block):
    """Pre-norm relative attention over the whole map, then a feed-forward network (sections 2.1, 2.2, A.1).

    A stride pools both branches, attention's after the norm: `Proj(Pool(x)) + Attention(Pool(LN(x)))`. The paper pools
    by maximum, MaxViT's and timm's code by average (`pool: avg`).
    """

    letter = "T"

    def __init__(self, site: Site, *, head_dim: HeadDim = 32, mlp_ratio: Expansion = 4, pool: Pool = "max") -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(site.in_width)
        self.pool = pooling(site.stride, pool)
        self.attention = RelativeAttention(site.in_width, site.width, head_dim, site.out_resolution)
        self.shortcut = pooled_shortcut(site.in_width, site.width, site.stride, pool)
        self.norm2 = nn.LayerNorm(site.width)
        self.mlp = MLP(site.width, mlp_ratio)
        self.drop_path = DropPath(site.drop_path)
        self.apply(normal)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.norm1(to_tokens(x))
        if not isinstance(self.pool, nn.Identity):
            tokens = to_tokens(self.pool(to_map(tokens, (x.shape[2], x.shape[3]))))
        shortcut = self.shortcut(x)
        resolution = (shortcut.shape[2], shortcut.shape[3])
        tokens = to_tokens(shortcut) + self.drop_path(self.attention(tokens, resolution))
        return to_map(tokens + self.drop_path(self.mlp(self.norm2(tokens))), resolution)
