"""Swin's patch embedding, https://arxiv.org/abs/2103.14030 (section 3.1; the norm from the authors' code)."""

from torch import Tensor

from nas.network.layers.patches import PatchEmbedding
from nas.network.stems._base import Stem


class Swin(Stem):
    """4x4 patches, linear, LayerNorm."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.stride = 4
        self.embed = PatchEmbedding(channels, width, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.embed(x)
