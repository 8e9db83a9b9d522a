"""The pixels of the encoder that seem likeliest to hold an object, for queries to begin with.

Deformable DETR's second variant, https://arxiv.org/abs/2010.04159 (section 4.3), with the pixels' tokens as contents of
the queries and with the chosen alone to learn from, as in RT-DETR, https://arxiv.org/abs/2304.08069 (section 4.3).
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nas.network.layers.queries import inverse_sigmoid, unmoved
from nas.network.layers.sine import pixel_places
from nas.network.layers.transformer import perceptron

SIDE = 0.2  # of the boxes that the coarsest map begins with; half as much on each finer one


class Chosen(NamedTuple):
    """The chosen tokens `(batch, queries, width)`, their boxes `(batch, queries, 4)`, and logits of their classes."""

    tokens: Tensor
    boxes: Tensor
    logits: Tensor


class Selection(nn.Module):
    """Classes and a box for each token of the encoder; the `queries` surest ones are chosen.

    Where there are fewer, the rest begins with nothing.

    With `focal` every one of the `outputs` has a sigmoid of its own, else the last is for no object.
    """

    def __init__(self, queries: int, width: int, outputs: int, focal: bool) -> None:
        super().__init__()
        self.count, self.focal = queries, focal
        self.project = nn.Sequential(nn.Linear(width, width), nn.LayerNorm(width))
        self.classifier = nn.Linear(width, outputs)
        self.box = perceptron(width, width, width, 4)
        unmoved(self.box)

    def forward(self, tokens: Tensor, sizes: Sequence[tuple[int, int]], paddings: Sequence[Tensor]) -> Chosen:
        """Choose among the tokens of maps of these sizes, from fine to coarse, which may be padded."""
        x = F.pad(self.project(tokens), (0, 0, 0, max(self.count - tokens.shape[1], 0)))
        logits = self.classifier(x).float()
        sure = logits.detach() if self.focal else logits.detach().softmax(-1)[..., :-1]
        sure = sure.amax(-1)
        if paddings:
            hidden = torch.cat([padding.flatten(1) for padding in paddings], 1)
            sure = sure.masked_fill(F.pad(hidden, (0, x.shape[1] - hidden.shape[1])), -torch.inf)
        best = sure.topk(self.count, dim=1).indices[..., None]
        begun = _boxes(sizes, paddings, like=x)
        begun = F.pad(begun, (0, 0, 0, x.shape[1] - begun.shape[1]), value=0.5).expand(x.shape[0], -1, -1)
        x, logits, begun = (each.gather(1, best.expand(-1, -1, each.shape[2])) for each in (x, logits, begun))
        return Chosen(x, (self.box(x).float() + inverse_sigmoid(begun)).sigmoid(), logits)


def _boxes(sizes: Sequence[tuple[int, int]], paddings: Sequence[Tensor], like: Tensor) -> Tensor:
    """Return a square box round each pixel, `(batch or 1, pixels, 4)`."""
    found = []
    for level, size in enumerate(sizes):
        y, x = pixel_places(size, 0.5, like.device, paddings[level] if paddings else None)
        side = torch.full_like(x, SIDE / 2 ** (len(sizes) - 1 - level))
        found.append(torch.stack([x, y, side, side], -1).flatten(1, 2))
    return torch.cat(found, 1)
