"""Maps cut into square patches, and channel norms of maps."""

from torch import Tensor, nn
from torch.nn import functional as F


def fill(x: Tensor, patch: int) -> Tensor:
    """The map with zeros at the bottom and the right until patches fill it."""
    bottom, right = -x.shape[2] % patch, -x.shape[3] % patch
    return F.pad(x, (0, right, 0, bottom)) if bottom or right else x


class MapNorm(nn.LayerNorm):
    """LayerNorm over the channels of a map `(batch, channels, H, W)`; gives a channels-last map."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class PatchEmbedding(nn.Module):
    """A convolution whose kernel is its stride, then LayerNorm: Swin's and PVT's (arXiv:2102.12122, section 3.2)."""

    def __init__(self, in_width: int, width: int, patch: int) -> None:
        super().__init__()
        self.patch = patch
        self.project = nn.Conv2d(in_width, width, patch, patch)
        self.norm = MapNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.project(fill(x, self.patch)))


def patch_embedding(in_width: int, width: int, stride: int) -> nn.Module:
    """PVT's downsampling, for blocks whose paper has none: nothing where neither stride nor width changes."""
    if stride == 1 and in_width == width:
        return nn.Identity()
    return PatchEmbedding(in_width, width, stride)
