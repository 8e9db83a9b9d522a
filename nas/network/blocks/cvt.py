"""CvT, https://arxiv.org/abs/2103.15808 (section 3, with details from the authors' cls_cvt.py)."""

from typing import Literal

import torch
from torch import Tensor, nn

from nas.network.blocks import Block, Site
from nas.network.layers.attention import attend
from nas.network.layers.initialise import transformer
from nas.network.layers.map_attention import MapAttention
from nas.network.layers.residual import MLP, Convolution, Depthwise, DropPath
from nas.network.layers.tokens import MapNorm, join, split, to_map
from nas.network.options import Expansion, HeadDim

Scale = Literal["width", "head_dim"]


class CvT(Block):
    """Pre-norm attention whose queries, keys and values come from depthwise convolutions, then a feed-forward network.

    A block that changes the shape first embeds: 3x3 convolution, LayerNorm. `kv_stride` divides the map of keys and
    values. The softmax's `scale` is width^-0.5 in the authors' release, head_dim^-0.5 elsewhere.
    """

    letter = "CV"
    carries_token = True

    def __init__(
        self,
        site: Site,
        *,
        head_dim: HeadDim = 64,
        mlp_ratio: Expansion = 4,
        kv_stride: Literal[1, 2] = 2,
        scale: Scale = "width",
    ) -> None:
        super().__init__()
        self.embed: nn.Module = nn.Identity()
        if site.stride > 1 or site.in_width != site.width:
            convolution = Convolution(site.in_width, site.width, 3, site.stride, bias=True)
            self.embed = nn.Sequential(convolution, MapNorm(site.width))
        self.norm1 = nn.LayerNorm(site.width)
        self.attention = ConvolutionalAttention(site.width, head_dim, kv_stride, scale)
        self.norm2 = nn.LayerNorm(site.width)
        self.mlp = MLP(site.width, mlp_ratio, QuickGELU)
        self.drop_path = DropPath(site.drop_path)
        self.apply(transformer)

    def forward(self, x: Tensor, token: Tensor | None = None) -> Tensor | tuple[Tensor, Tensor]:
        x = self.embed(x)
        resolution = (x.shape[2], x.shape[3])
        tokens = join(x, token)
        tokens = tokens + self.drop_path(self.attention(self.norm1(tokens), resolution))
        tokens = tokens + self.drop_path(self.mlp(self.norm2(tokens)))
        return split(tokens, resolution, token is not None)


class QuickGELU(nn.Module):
    """`x * sigmoid(1.702 x)`."""

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(1.702 * x)


class ConvolutionalAttention(MapAttention):
    """Attention whose queries, keys and values come from depthwise 3x3 convolution, BatchNorm and a linear layer.

    A class token passes the linear layer only. Convolutions see the whole map where attention is in windows.
    """

    def __init__(self, width: int, head_dim: int, kv_stride: int, scale: Scale) -> None:
        super().__init__()
        self.heads, self.kv_stride = width // head_dim, kv_stride
        self.scale = (width if scale == "width" else head_dim) ** -0.5
        self.convolve_q = _convolve(width, 1)
        self.convolve_k = _convolve(width, kv_stride)
        self.convolve_v = _convolve(width, kv_stride)
        self.q, self.k, self.v = (nn.Linear(width, width) for _ in range(3))
        self.out = nn.Linear(width, width)

    def forward(self, tokens: Tensor, resolution: tuple[int, int]) -> Tensor:
        pixels = resolution[0] * resolution[1]
        has_token = tokens.shape[1] > pixels
        token = tokens[:, :1] if has_token else None
        x = to_map(tokens[:, 1:] if has_token else tokens, resolution)
        q = self._heads(self.q(join(self.convolve_q(x), token)))
        k = self._heads(self.k(join(self.convolve_k(x), token)))
        v = self._heads(self.v(join(self.convolve_v(x), token)))
        mixed = self.over(q, k, v, resolution, self.kv_stride)
        return self.out(mixed.transpose(1, 2).flatten(2))

    def mix(self, q: Tensor, k: Tensor, v: Tensor, resolution: tuple[int, int], mask: Tensor | None = None) -> Tensor:
        return attend(q, k, v, scale=self.scale, mask=mask)

    def _heads(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:2], self.heads, -1).transpose(1, 2)


def _convolve(width: int, stride: int) -> nn.Sequential:
    return nn.Sequential(Depthwise(width, 3, stride), nn.BatchNorm2d(width))
