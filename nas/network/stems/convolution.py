"""Convolutional stems: CoAtNet's (https://arxiv.org/abs/2106.04803), ResNet's, the MobileNets' and ViT_C's."""

from typing import Literal

from torch import Tensor, nn

from nas.network.layers.frozen import Frozen, freeze, norm_of
from nas.network.layers.initialise import kaiming, normal, truncated_normal
from nas.network.layers.residual import convolution
from nas.network.stems import Stem

__all__ = ["conv", "early_conv", "mobilenet", "resnet"]

Layout = Literal["1gf", "4gf", "18gf", "36gf"]
LARGE = ((64, 128, 128, 256, 256, 512), (2, 2, 1, 2, 1, 2))
LAYOUTS: dict[Layout, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "1gf": ((24, 48, 96, 192), (2, 2, 2, 2)),
    "4gf": ((48, 96, 192, 384), (2, 2, 2, 2)),
    "18gf": LARGE,
    "36gf": LARGE,
}


class Conv(Stem):
    """3x3 convolution with a stride, BatchNorm, GELU, 3x3 convolution with neither norm nor activation after it.

    CoAtNet's and MOAT's, https://arxiv.org/abs/2106.04803 (Table 3, stage S0). MOAT's and MaxViT's convolutions have a
    `bias`, those of timm's CoAtNet do not.
    """

    def __init__(self, channels: int, width: int, *, stride: Literal[1, 2] = 2, bias: bool = False) -> None:
        super().__init__()
        self.stride = stride
        self.conv1 = nn.Conv2d(channels, width, 3, stride, 1, bias=bias)
        self.norm = nn.BatchNorm2d(width)
        self.activation = nn.GELU()
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=bias)
        self.apply(normal)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv2(self.activation(self.norm(self.conv1(x))))


class ResNet(Stem):
    """7x7 convolution with stride 2, BatchNorm, ReLU, 3x3 maximum pooling with stride 2.

    ResNet's, https://arxiv.org/abs/1512.03385 (Table 1, conv1 and the pooling after it). `frozen` leaves the norm as it
    is in training, or all weights: for a network that begins from trained ones.
    """

    stride = 4

    def __init__(self, channels: int, width: int, *, frozen: Frozen = "none") -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, width, 7, 2, 3, bias=False)
        self.norm = norm_of(frozen)(width)
        self.pool = nn.MaxPool2d(3, 2, 1)
        self.apply(kaiming)
        freeze(self, frozen)

    def forward(self, x: Tensor) -> Tensor:
        return self.pool(self.norm(self.conv(x)).relu_())


class MobileNet(Stem):
    """3x3 convolution with a stride, BatchNorm, ReLU6.

    The MobileNets', https://arxiv.org/abs/1704.04861 (Table 1) and https://arxiv.org/abs/1801.04381 (Table 2).
    """

    def __init__(self, channels: int, width: int, *, stride: Literal[1, 2] = 2) -> None:
        super().__init__()
        self.stride = stride
        self.conv = nn.Conv2d(channels, width, 3, stride, 1, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.activation = nn.ReLU6(inplace=True)
        self.apply(truncated_normal)

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(self.norm(self.conv(x)))


class EarlyConv(Stem):
    """3x3 convolutions with BatchNorm and ReLU, then a 1x1 convolution to the width of the transformer.

    ViT_C's, https://arxiv.org/abs/2106.14881 (section 3; layouts from the authors' pycls). `layout` names the model
    that sets channels and strides, which multiply to 16.
    """

    def __init__(self, channels: int, width: int, *, layout: Layout = "1gf") -> None:
        super().__init__()
        self.stride = 16
        layers: list[nn.Module] = []
        for hidden, stride in zip(*LAYOUTS[layout], strict=True):
            layers += [convolution(channels, hidden, 3, stride), nn.BatchNorm2d(hidden), nn.ReLU()]
            channels = hidden
        self.layers = nn.Sequential(*layers)
        self.project = nn.Conv2d(channels, width, 1)
        nn.init.normal_(self.project.weight, std=(2 / width) ** 0.5)  # the others keep torch's initial weights
        nn.init.zeros_(self.project.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        return self.project(self.layers(x))
