"""ResNet's stem, https://arxiv.org/abs/1512.03385 (Table 1, conv1 and the pooling after it)."""

from torch import Tensor, nn

from nas.network.layers.initialise import kaiming
from nas.network.stems._base import Stem


class ResNet(Stem):
    """7x7 convolution with stride 2, BatchNorm, ReLU, 3x3 maximum pooling with stride 2."""

    stride = 4

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, width, 7, 2, 3, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.pool = nn.MaxPool2d(3, 2, 1)
        self.apply(kaiming)

    def forward(self, x: Tensor) -> Tensor:
        return self.pool(self.norm(self.conv(x)).relu_())
