"""The shortcut of CoAtNet, MaxViT and MOAT: pool where the block strides, then project where the width changes."""

from typing import Literal

from torch import nn

Pool = Literal["avg", "max"]


def pooling(stride: int, pool: Pool) -> nn.Module:
    """2 x 2 pooling that keeps odd rows and columns: `(batch, C, ceil(H / stride), ceil(W / stride))`."""
    if stride == 1:
        return nn.Identity()
    if pool == "max":
        return nn.MaxPool2d(stride, stride, ceil_mode=True)
    return nn.AvgPool2d(stride, stride, ceil_mode=True, count_include_pad=False)


def pooled_shortcut(in_width: int, width: int, stride: int, pool: Pool = "avg") -> nn.Module:
    """Identity, pooling, 1 x 1 projection (with bias, as released), or both."""
    if in_width == width:
        return pooling(stride, pool)
    projection = nn.Conv2d(in_width, width, 1)
    return projection if stride == 1 else nn.Sequential(pooling(stride, pool), projection)
