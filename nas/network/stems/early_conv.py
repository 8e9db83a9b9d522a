"""ViT_C's convolutional stem, https://arxiv.org/abs/2106.14881 (section 3; layouts from the authors' pycls)."""

from typing import Literal

from torch import Tensor, nn

from nas.network.stems._base import Stem

Layout = Literal["1gf", "4gf", "18gf", "36gf"]
LARGE = ((64, 128, 128, 256, 256, 512), (2, 2, 1, 2, 1, 2))
LAYOUTS: dict[Layout, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "1gf": ((24, 48, 96, 192), (2, 2, 2, 2)),
    "4gf": ((48, 96, 192, 384), (2, 2, 2, 2)),
    "18gf": LARGE,
    "36gf": LARGE,
}


class EarlyConv(Stem):
    """3x3 convolutions with BatchNorm and ReLU, then a 1x1 convolution to the width of the transformer.

    `layout` names the model whose channels and strides these are; together they stride by 16.
    """

    def __init__(self, channels: int, width: int, *, layout: Layout = "1gf") -> None:
        super().__init__()
        self.stride = 16
        layers: list[nn.Module] = []
        for hidden, stride in zip(*LAYOUTS[layout], strict=True):
            layers += [nn.Conv2d(channels, hidden, 3, stride, 1, bias=False), nn.BatchNorm2d(hidden), nn.ReLU()]
            channels = hidden
        self.layers = nn.Sequential(*layers)
        self.project = nn.Conv2d(channels, width, 1)
        nn.init.normal_(self.project.weight, std=(2 / width) ** 0.5)  # the others keep torch's initial weights
        nn.init.zeros_(self.project.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        return self.project(self.layers(x))
