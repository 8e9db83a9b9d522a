"""CvT's first convolutional token embedding, https://arxiv.org/abs/2103.15808 (section 3.2, Table 2)."""

from torch import Tensor, nn

from nas.network.layers.patches import MapNorm, fill
from nas.network.stems._base import Stem


class CvT(Stem):
    """7x7 convolution that strides by 4, LayerNorm; an image that 4 does not divide is filled with zeros."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.stride = 4
        self.project = nn.Conv2d(channels, width, 7, 4, 2)
        self.norm = MapNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.project(fill(x, self.stride)))
