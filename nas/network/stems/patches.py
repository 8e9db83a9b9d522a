"""Stems that embed patches: ViT's (https://arxiv.org/abs/2010.11929), Swin's, and CvT's with overlapping ones."""

from typing import Annotated

from pydantic import Field
from torch import Tensor, nn

from nas.network.layers.tokens import MapNorm, PatchEmbedding, fill
from nas.network.stems import Stem

__all__ = ["cvt", "patchify", "swin"]


class Patchify(Stem):
    """Convolution whose kernel is its stride, on an image padded with zeros to a multiple of it.

    ViT's, https://arxiv.org/abs/2010.11929 (section 3.1).
    """

    def __init__(
        self, channels: int, width: int, *, patch_size: Annotated[int, Field(ge=1, le=64), "from 1 to 64"] = 16
    ) -> None:
        super().__init__()
        self.stride = patch_size
        self.project = nn.Conv2d(channels, width, patch_size, patch_size)
        nn.init.trunc_normal_(self.project.weight, std=(channels * patch_size**2) ** -0.5)
        nn.init.zeros_(self.project.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        return self.project(fill(x, self.stride))


class Swin(Stem):
    """4x4 patches, linear, LayerNorm.

    Swin's, https://arxiv.org/abs/2103.14030 (section 3.1; the norm from the authors' code).
    """

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.stride = 4
        self.embed = PatchEmbedding(channels, width, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.embed(x)


class CvT(Stem):
    """7x7 convolution with stride 4, LayerNorm, on an image padded with zeros to a multiple of 4.

    CvT's first convolutional token embedding, https://arxiv.org/abs/2103.15808 (section 3.2, Table 2).
    """

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.stride = 4
        self.project = nn.Conv2d(channels, width, 7, 4, 2)
        self.norm = MapNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.project(fill(x, self.stride)))
