"""Swin, https://arxiv.org/abs/2103.14030 (sections 3.1, 3.2)."""

from collections.abc import Mapping
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from nas.network.blocks import Block, Site
from nas.network.layers.initialise import transformer
from nas.network.layers.residual import MLP, DropPath
from nas.network.layers.tokens import fill
from nas.network.layers.windows import WindowAttention
from nas.network.options import Expansion, HeadDim, Scalar

Window = Annotated[int, Field(ge=2, le=64), "from 2 to 64"]


class Swin(Block):
    """Pre-norm attention in windows, shifted by half a window in every second block, then a feed-forward network.

    Patch merging, at a stage's end in the paper, begins the next stage here. A window is clamped to the map, and a
    clamped one is not shifted.
    """

    letter = "SW"

    def __init__(self, site: Site, *, head_dim: HeadDim = 32, mlp_ratio: Expansion = 4, window: Window = 7) -> None:
        super().__init__()
        self.merge: nn.Module = nn.Identity()
        if site.stride > 1 or site.in_width != site.width:
            self.merge = PatchMerging(site.in_width, site.width, site.stride)
        self.norm1 = nn.LayerNorm(site.width)
        shift = window // 2 if site.index % 2 else 0
        self.attention = WindowAttention(site.width, head_dim, window, site.out_resolution, shift)
        self.norm2 = nn.LayerNorm(site.width)
        self.mlp = MLP(site.width, mlp_ratio)
        self.drop_path = DropPath(site.drop_path)
        self.apply(transformer)
        nn.init.trunc_normal_(self.attention.bias.table, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        x = self.merge(x).permute(0, 2, 3, 1).contiguous()
        x = x + self.drop_path(self.attention(self.norm1(x)))
        x = x + self.drop_path(self.mlp(self.norm2(x)))
        return x.permute(0, 3, 1, 2)

    @classmethod
    def by_position(cls, options: Mapping[str, Scalar]) -> bool:
        """Return True, as every second block shifts its windows."""
        return True


class PatchMerging(nn.Module):
    """Concatenation of `stride` x `stride` neighbours (zeros pad odd maps), LayerNorm, linear without bias."""

    def __init__(self, in_width: int, width: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.norm = nn.LayerNorm(stride**2 * in_width)
        self.reduce = nn.Linear(stride**2 * in_width, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = fill(x, self.stride).permute(0, 2, 3, 1)
        s = self.stride
        # the released order: the upper left neighbour, the lower left, the upper right, the lower right
        x = torch.cat([x[:, i::s, j::s] for j in range(s) for i in range(s)], dim=-1)
        return self.reduce(self.norm(x)).permute(0, 3, 1, 2)
