"""The two halves of a depthwise separable convolution, as both MobileNets have them."""

from torch import nn


def depthwise(width: int, kernel_size: int, stride: int) -> tuple[nn.Module, ...]:
    """Depthwise convolution, BatchNorm, ReLU6."""
    conv = nn.Conv2d(width, width, kernel_size, stride, kernel_size // 2, groups=width, bias=False)
    return conv, nn.BatchNorm2d(width), nn.ReLU6(inplace=True)


def pointwise(in_width: int, width: int) -> tuple[nn.Module, ...]:
    """1x1 convolution, BatchNorm."""
    return nn.Conv2d(in_width, width, 1, bias=False), nn.BatchNorm2d(width)
