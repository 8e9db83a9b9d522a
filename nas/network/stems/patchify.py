"""ViT's patch embedding, https://arxiv.org/abs/2010.11929 (section 3.1)."""

from typing import Annotated

from pydantic import Field
from torch import Tensor, nn

from nas.network.layers.patches import fill
from nas.network.stems._base import Stem


class Patchify(Stem):
    """One convolution whose kernel is its stride; an image that patches do not fill is padded with zeros."""

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
