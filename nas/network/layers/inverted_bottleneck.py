"""The pre-norm inverted bottleneck that CoAtNet's MBConv and MOAT's first half share."""

from typing import Literal

from torch import nn

from nas.network.layers.squeeze_excitation import SqueezeExcitation


class InvertedBottleneck(nn.Sequential):
    """BN, 1x1 expand, BN, GELU, depthwise, BN, GELU, Squeeze-and-Excitation, 1x1 project; no norm or activation after.

    The hidden width is `expansion` times the *output* width, and so is the squeezed width (`se_ratio` times it).
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
        hidden = int(expansion * width)
        first, second = (stride, 1) if stride_on == "expand" else (1, stride)
        layers: dict[str, nn.Module] = {
            "norm": nn.BatchNorm2d(in_width),
            "expand": nn.Conv2d(in_width, hidden, 1, first, bias=False),
            "expand_norm": nn.BatchNorm2d(hidden),
            "expand_act": nn.GELU(),
            "depthwise": nn.Conv2d(hidden, hidden, kernel_size, second, kernel_size // 2, groups=hidden, bias=False),
            "depthwise_norm": nn.BatchNorm2d(hidden),
            "depthwise_act": nn.GELU(),
        }
        if se_ratio:
            layers["gate"] = SqueezeExcitation(hidden, max(1, int(se_ratio * width)), nn.SiLU)
        layers["project"] = nn.Conv2d(hidden, width, 1)
        super().__init__()
        for name, layer in layers.items():
            self.add_module(name, layer)
