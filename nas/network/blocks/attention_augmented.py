"""ResNet's blocks with attention-augmented convolution, https://arxiv.org/abs/1904.09925 (sections 3.2, 4.2)."""

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from nas.network.blocks import Block, Site, Size, strided
from nas.network.layers.attention import attend
from nas.network.layers.initialise import kaiming
from nas.network.layers.map_attention import MapAttention
from nas.network.layers.relative import RelativeLogits
from nas.network.layers.residual import DropPath, Pointwise, convolution, projection_shortcut
from nas.network.layers.tokens import to_map, to_tokens
from nas.network.options import Count, Kernel, Ratio, Scalar

Share = Annotated[float, Field(gt=0, le=1), "above 0, at most 1"]


class AttentionAugmented(Block):
    """A bottleneck whose 3x3 convolution is augmented by attention, or a basic block whose first one is.

    `kappa` and `upsilon` are the shares of keys and values in that convolution's width. With `attention_stride` 2
    attention sees a pooled map, as in the paper's stage of 28 x 28 pixels. The bottleneck's hidden width is a fourth.
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
        """Require a width divisible by 4 for a bottleneck, and eight channels for each head."""
        if option == "residual" and value == "bottleneck" and width % 4:
            return f"width {width} is not divisible by 4, as residual: bottleneck needs"
        if option == "heads" and width < 8 * int(value):
            return f"width {width} is too narrow for {value} heads: it must be at least {8 * int(value)}"
        return None


def _normed(conv: nn.Module, width: int) -> tuple[nn.Module, ...]:
    return conv, nn.BatchNorm2d(width), nn.ReLU(inplace=True)


class AugmentedConv(MapAttention):
    """Convolution and self-attention side by side, their channels concatenated (section 3.2).

    `kappa` and `upsilon` are the shares of keys and of values in the output width; each head has at least 20 key
    channels and one value channel. With `attention_stride` 2 attention sees a map pooled to half the resolution, and
    its result is enlarged, as in the paper at 28 x 28; the tables span the whole map and are resized for the pooled
    one. `resolution` is that of the incoming map.
    """

    def __init__(
        self,
        in_width: int,
        width: int,
        kernel_size: int,
        stride: int,
        resolution: Size,
        *,
        kappa: float,
        upsilon: float,
        heads: int,
        attention_stride: int,
    ) -> None:
        super().__init__()
        self.heads, self.stride, self.shrink = heads, stride, attention_stride
        self.keys = max(20 * heads, _share(kappa, width, heads))
        values = max(heads, _share(upsilon, width, heads))
        # values may fill the width, as in the paper's fully attentional network
        self.conv = convolution(in_width, width - values, kernel_size, stride) if width > values else None
        pooled = attention_stride > 1
        self.pool = nn.AvgPool2d(3, 2, 1, count_include_pad=False) if pooled else nn.Identity()
        self.qkv = Pointwise(in_width, 2 * self.keys + values, stride)
        self.logits = RelativeLogits(self.keys // heads, strided(resolution, stride))
        self.out = nn.Conv2d(values, values, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        attended = self._attend(x)
        size = strided((x.shape[2], x.shape[3]), self.stride)
        if not isinstance(self.pool, nn.Identity):
            attended = F.interpolate(attended, size, mode="bilinear", align_corners=False)
        return attended if self.conv is None else torch.cat([self.conv(x), attended], dim=1)

    def _attend(self, x: Tensor) -> Tensor:
        qkv = self.qkv(self.pool(x))
        resolution = (qkv.shape[2], qkv.shape[3])
        parts = to_tokens(qkv).tensor_split((self.keys, 2 * self.keys), dim=2)
        q, k, v = (part.view(*part.shape[:2], self.heads, -1).transpose(1, 2) for part in parts)
        mixed = self.over(q * q.shape[3] ** -0.5, k, v, resolution)
        return self.out(to_map(mixed.transpose(1, 2).flatten(2), resolution))

    def mix(self, q: Tensor, k: Tensor, v: Tensor, resolution: Size, mask: Tensor | None = None) -> Tensor:
        return attend(q, k, v, self.logits(q, resolution), scale=1.0, mask=mask)


def _share(share: float, width: int, heads: int) -> int:
    """Round a share of the width down to a multiple of the heads (in spite of 0.29 * 100 < 29)."""
    return int(share * width / heads + 1e-9) * heads
