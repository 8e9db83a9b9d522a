"""Branches and shortcuts of residual blocks, and stochastic depth."""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nas.network.layers.gates import SqueezeExcitation

Pool = Literal["avg", "max"]


class DropPath(nn.Module):
    """Stochastic depth, https://arxiv.org/abs/1603.09382.

    In training, zeroes a sample's branch with probability `rate` and scales the others by 1 / (1 - rate).
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.rate == 0:
            return x
        keep = 1 - self.rate
        mask = x.new_empty(x.shape[0], *[1] * (x.ndim - 1)).bernoulli_(keep)
        return x * (mask / keep)


class Pointwise(nn.Conv2d):
    """A 1 x 1 convolution: `(batch, in_width, H, W)` -> `(batch, width, ceil(H / stride), ceil(W / stride))`.

    Where gradients are kept it takes the pixels of its stride first. The strided one of torch 2.13 corrupts the memory
    of the process in its backward pass on CPUs: with AVX2 alone below 8 channels, else of maps of 48 pixels and more
    with 8 or 12.
    """

    def __init__(self, in_width: int, width: int, stride: int) -> None:
        super().__init__(in_width, width, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        rows, columns = self.stride
        if self.stride == (1, 1) or not torch.is_grad_enabled():
            return super().forward(x)
        return F.conv2d(x[:, :, ::rows, ::columns], self.weight)


class Convolution(nn.Conv2d):
    """A convolution: `(batch, in_width, H, W)` -> `(batch, width, ceil(H / stride), ceil(W / stride))`.

    Under a processor's autocast it computes in float32 where a side is below the stride: there the bfloat16 one of
    torch 2.13 reads memory in its backward pass that nothing wrote, and gradients come to anything.
    """

    def __init__(
        self, in_width: int, width: int, kernel_size: int, stride: int, dilation: int = 1, *, bias: bool = False
    ) -> None:
        padding = dilation * (kernel_size // 2)
        super().__init__(in_width, width, kernel_size, stride, padding, dilation, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        if not torch.is_autocast_enabled("cpu") or min(x.shape[2:]) >= max(self.stride):
            return super().forward(x)
        with torch.autocast("cpu", enabled=False):
            return super().forward(x.float()).to(x.dtype)


def convolution(in_width: int, width: int, kernel_size: int, stride: int, dilation: int = 1) -> nn.Conv2d:
    """Make a convolution without bias that trains rightly for any kernel, stride and map."""
    if kernel_size == 1:
        return Pointwise(in_width, width, stride)
    return Convolution(in_width, width, kernel_size, stride, dilation)


class Depthwise(nn.Conv2d):
    """A depthwise convolution: `(batch, width, H, W)` -> `(batch, width, ceil(H / stride), ceil(W / stride))`.

    Under a processor's autocast it computes in float32: the bfloat16 one of torch 2.13 takes ten times as long there in
    its backward pass with a stride, and four times with kernels above 3.
    """

    def __init__(self, width: int, kernel_size: int, stride: int = 1) -> None:
        super().__init__(width, width, kernel_size, stride, kernel_size // 2, groups=width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        if not torch.is_autocast_enabled("cpu"):
            return super().forward(x)
        with torch.autocast("cpu", enabled=False):
            return super().forward(x.float()).to(x.dtype)


class MLP(nn.Module):
    """The feed-forward half of a transformer block, on tokens `(batch, tokens, width)`.

    Linear, GELU (or another `activation`), linear; the hidden width is `ratio` times the width.
    """

    closes = "project"

    def __init__(self, width: int, ratio: float, activation: type[nn.Module] = nn.GELU) -> None:
        super().__init__()
        hidden = max(1, int(ratio * width))
        self.expand = nn.Linear(width, hidden)
        self.activation = activation()
        self.project = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.project(self.activation(self.expand(x)))


class InvertedBottleneck(nn.Sequential):
    """BN, 1x1 expand, BN, GELU, depthwise, BN, GELU, Squeeze-and-Excitation, 1x1 project, with nothing after it.

    Shared by CoAtNet's MBConv and MOAT. The hidden width is `expansion` times the *output* width, the squeezed width
    `se_ratio` times.
    """

    closes = "project"

    def __init__(
        self,
        in_width: int,
        width: int,
        stride: int,
        *,
        expansion: float,
        kernel_size: int,
        se_ratio: float,
        stride_on: Literal["expand", "depthwise"],
    ) -> None:
        hidden = max(1, int(expansion * width))
        first, second = (stride, 1) if stride_on == "expand" else (1, stride)
        layers: dict[str, nn.Module] = {
            "norm": nn.BatchNorm2d(in_width),
            "expand": Pointwise(in_width, hidden, first),
            "expand_norm": nn.BatchNorm2d(hidden),
            "expand_act": nn.GELU(),
            "depthwise": Depthwise(hidden, kernel_size, second),
            "depthwise_norm": nn.BatchNorm2d(hidden),
            "depthwise_act": nn.GELU(),
        }
        if se_ratio:
            layers["gate"] = SqueezeExcitation(hidden, max(1, int(se_ratio * width)), nn.SiLU)
        layers["project"] = nn.Conv2d(hidden, width, 1)
        super().__init__()
        for name, layer in layers.items():
            self.add_module(name, layer)


def pooling(stride: int, pool: Pool) -> nn.Module:
    """Build 2 x 2 pooling that keeps odd rows and columns: `(batch, C, ceil(H / stride), ceil(W / stride))`."""
    if stride == 1:
        return nn.Identity()
    if pool == "max":
        return nn.MaxPool2d(stride, stride, ceil_mode=True)
    return nn.AvgPool2d(stride, stride, ceil_mode=True, count_include_pad=False)


def pooled_shortcut(in_width: int, width: int, stride: int, pool: Pool = "avg") -> nn.Module:
    """Build the shortcut of CoAtNet, MaxViT and MOAT: pooling by the stride, then a projection to another width.

    The 1 x 1 projection has a bias, as released.
    """
    if in_width == width:
        return pooling(stride, pool)
    projection = nn.Conv2d(in_width, width, 1)
    return projection if stride == 1 else nn.Sequential(pooling(stride, pool), projection)


def projection_shortcut(in_width: int, width: int, stride: int, norm: type[nn.Module] = nn.BatchNorm2d) -> nn.Module:
    """Build an identity, or for another shape a 1 x 1 convolution and BatchNorm (arXiv:1512.03385, option B)."""
    if stride == 1 and in_width == width:
        return nn.Identity()
    return nn.Sequential(Pointwise(in_width, width, stride), norm(width))
