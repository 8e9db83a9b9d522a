"""Gates on channels and positions, for residual blocks: Squeeze-and-Excitation, CBAM and BAM."""

import torch
from torch import Tensor, nn

from nas.network.layers.means_norm import MeansNorm


class SqueezeExcitation(nn.Module):
    """Multiply each channel by a gate computed from all channels' means, `(batch, width, H, W)` in and out.

    From https://arxiv.org/abs/1709.01507 (section 3).
    """

    def __init__(self, width: int, squeezed: int, activation: type[nn.Module] = nn.ReLU) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(width, squeezed, 1)
        self.activation = activation()
        self.expand = nn.Conv2d(squeezed, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        gate = self.expand(self.activation(self.reduce(x.mean((2, 3), keepdim=True))))
        return x * gate.sigmoid()


class CBAM(nn.Sequential):
    """Gate the channels, then the positions, by maxima and means.

    From https://arxiv.org/abs/1807.06521 (section 3; details from its code).
    """

    def __init__(self, width: int, squeezed: int) -> None:
        super().__init__()
        self.channel = ChannelGate(width, squeezed)
        self.spatial = SpatialGate()


class ChannelGate(nn.Module):
    """Multiply each channel by `sigmoid(MLP(means) + MLP(maxima))`, with one MLP for both."""

    def __init__(self, width: int, squeezed: int) -> None:
        super().__init__()
        reduce, expand = nn.Linear(width, squeezed), nn.Linear(squeezed, width)
        nn.init.zeros_(reduce.bias)
        nn.init.zeros_(expand.bias)
        self.mlp = nn.Sequential(reduce, nn.ReLU(), expand)

    def forward(self, x: Tensor) -> Tensor:
        gate = self.mlp(x.mean((2, 3))) + self.mlp(x.amax((2, 3)))
        return x * gate.sigmoid()[..., None, None]


class SpatialGate(nn.Module):
    """Multiply each position by a gate from the maximum and the mean of its channels.

    The norm's scale starts at zero, so that the gate starts at a half, as in the authors' code.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, 7, padding=3, bias=False)
        self.norm = nn.BatchNorm2d(1, momentum=0.01)
        nn.init.zeros_(self.norm.weight)

    def forward(self, x: Tensor) -> Tensor:
        pooled = torch.cat([x.amax(1, keepdim=True), x.mean(1, keepdim=True)], dim=1)
        return x * self.norm(self.conv(pooled)).sigmoid()


DILATION = 4


class BAM(nn.Module):
    """Multiply each channel and position by `1 + sigmoid(channel * spatial)`, from two branches.

    From https://arxiv.org/abs/1807.06514 (section 3). The paper adds the branches; its released code, followed here,
    multiplies them.
    """

    def __init__(self, width: int, squeezed: int) -> None:
        super().__init__()
        self.channel = ChannelBranch(width, squeezed)
        self.spatial = nn.Sequential(
            *_normed(nn.Conv2d(width, squeezed, 1)),
            *_normed(nn.Conv2d(squeezed, squeezed, 3, padding=DILATION, dilation=DILATION)),
            *_normed(nn.Conv2d(squeezed, squeezed, 3, padding=DILATION, dilation=DILATION)),
            nn.Conv2d(squeezed, 1, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x * (1 + (self.channel(x) * self.spatial(x)).sigmoid())


class ChannelBranch(nn.Module):
    """Put the channels' means through linear, BatchNorm, ReLU, linear: `(batch, width, 1, 1)`."""

    def __init__(self, width: int, squeezed: int) -> None:
        super().__init__()
        self.reduce = nn.Linear(width, squeezed)
        self.norm = MeansNorm(squeezed)
        self.expand = nn.Linear(squeezed, width)
        nn.init.zeros_(self.reduce.bias)
        nn.init.zeros_(self.expand.bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.expand(self.norm(self.reduce(x.mean((2, 3)))).relu())[..., None, None]


def gates(width: int, se_ratio: float, cbam_ratio: float) -> nn.Module:
    """Build Squeeze-and-Excitation and CBAM, each with its squeezed width as a share of the width (0: none)."""
    layers: list[nn.Module] = []
    if se_ratio:
        layers.append(SqueezeExcitation(width, max(1, int(width * se_ratio))))
    if cbam_ratio:
        layers.append(CBAM(width, max(1, int(width * cbam_ratio))))
    return nn.Sequential(*layers)


def after_stage(width: int, ratio: float, index: int, depth: int) -> nn.Module:
    """Build BAM for the last of a stage's `depth` blocks, squeezed to the share `ratio` of the width (0: none)."""
    return BAM(width, max(1, int(width * ratio))) if ratio and index == depth - 1 else nn.Identity()


def _normed(conv: nn.Conv2d) -> tuple[nn.Module, ...]:
    return conv, nn.BatchNorm2d(conv.out_channels), nn.ReLU()
