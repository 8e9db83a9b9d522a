"""Maps merged from coarse to fine: a feature pyramid, https://arxiv.org/abs/1612.03144 (section 3)."""

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F


class Pyramid(nn.Module):
    """Add each map to the finer one, then a 3x3 convolution with BatchNorm and ReLU on each but the coarsest.

    Maps are `(batch, channels, height, width)`, from fine to coarse, and stay as large as they are. Pixels of padding
    are taken for nothing, as what lies beyond an image's edge.
    """

    def __init__(self, width: int, levels: int) -> None:
        super().__init__()
        self.smooth = nn.ModuleList(
            nn.Sequential(nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU())
            for _ in range(levels - 1)
        )

    def forward(self, maps: Sequence[Tensor], paddings: Sequence[Tensor]) -> list[Tensor]:
        made = [maps[-1]]
        for level in reversed(range(len(self.smooth))):
            x = maps[level] + F.interpolate(made[0], maps[level].shape[2:])
            if paddings:
                x = x.masked_fill(paddings[level][:, None], 0)
            made.insert(0, self.smooth[level](x))
        return made
