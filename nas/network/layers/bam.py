"""The Bottleneck Attention Module, https://arxiv.org/abs/1807.06514 (section 3), as the authors' code computes it."""

from torch import Tensor, nn
from torch.nn import functional as F

DILATION = 4


class BAM(nn.Module):
    """`x * (1 + sigmoid(channel * spatial))`: one gate for each channel and position, from two branches.

    The paper adds the branches; the released code, which this follows, multiplies them.
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
    """Means of the channels through linear, BatchNorm, ReLU, linear: `(batch, width, 1, 1)`.

    A batch of one image has no statistics of its own: in training, too, it is normalised by the running ones.
    """

    def __init__(self, width: int, squeezed: int) -> None:
        super().__init__()
        self.reduce = nn.Linear(width, squeezed)
        self.norm = nn.BatchNorm1d(squeezed)
        self.expand = nn.Linear(squeezed, width)
        nn.init.zeros_(self.reduce.bias)
        nn.init.zeros_(self.expand.bias)

    def forward(self, x: Tensor) -> Tensor:
        norm = self.norm
        means = self.reduce(x.mean((2, 3)))
        if self.training and len(x) == 1:
            means = F.batch_norm(means, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps)
        else:
            means = norm(means)
        return self.expand(means.relu())[..., None, None]


def after_stage(width: int, ratio: float, index: int, depth: int) -> nn.Module:
    """BAM for the last of a stage's `depth` blocks; `ratio` is the squeezed width as a share of the width (0: none)."""
    return BAM(width, max(1, int(width * ratio))) if ratio and index == depth - 1 else nn.Identity()


def _normed(conv: nn.Conv2d) -> tuple[nn.Module, ...]:
    return conv, nn.BatchNorm2d(conv.out_channels), nn.ReLU()
