"""The pixels of the encoder that seem likeliest to hold an object, for queries to begin with.

Deformable DETR's second variant, https://arxiv.org/abs/2010.04159 (section 4.3), with the pixels' tokens as contents of
the queries. As there, every pixel answers and learns, whichever are chosen. That those be distinct is the idea of
https://arxiv.org/abs/2303.12776 (section 3.1), here by the peaks of CenterNet, https://arxiv.org/abs/1904.07850.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nas.network.layers.detections import Outputs
from nas.network.layers.queries import boxes_from, classes_from, inverse_sigmoid
from nas.network.layers.sine import pixel_places

LATER = 100.0  # taken from how sure pixels are that are no peaks
SIDE = 0.2  # of the boxes that the coarsest map begins with; half as much on each finer one


class Chosen(NamedTuple):
    """The chosen tokens `(batch, queries, width)`, boxes `(batch, queries, 4)`, and in training all pixels' outputs."""

    tokens: Tensor
    boxes: Tensor
    pixels: Outputs | None


class Selection(nn.Module):
    """Classes and a box for each token of the encoder; the `queries` surest ones are chosen.

    With `focal` every one of the `outputs` has a sigmoid of its own, else the last is for no object. With `distinct`
    those come first that are as sure as their eight neighbours. Queries beyond the pixels of the image
    begin with nothing.
    """

    def __init__(self, queries: int, width: int, outputs: int, focal: bool, distinct: bool = False) -> None:
        super().__init__()
        self.count, self.focal, self.distinct = queries, focal, distinct
        self.project = nn.Sequential(nn.Linear(width, width), nn.LayerNorm(width))
        self.classifier = classes_from(width, outputs, focal)
        self.box = boxes_from(width, refined=True)

    def forward(self, tokens: Tensor, sizes: Sequence[tuple[int, int]], paddings: Sequence[Tensor]) -> Chosen:
        """Choose among the tokens `(batch, pixels, width)` of maps of these sizes, fine to coarse, perhaps padded."""
        x, begun = self.project(tokens), _boxes(sizes, paddings, like=tokens)
        logits = self.classifier(x).float()
        sure = (logits if self.focal else logits.softmax(-1)[..., :-1]).detach().amax(-1)
        if paddings:
            sure = sure.masked_fill(torch.cat([padding.flatten(1) for padding in paddings], 1), -torch.inf)
        if self.distinct:
            sure = _peaks_first(sure, sizes)
        pixels = Outputs(logits[None], self._refined(x, begun)[None]) if self.training else None
        surest, best = (found[..., None] for found in sure.topk(min(self.count, x.shape[1]), dim=1))
        padded, left = surest == -torch.inf, (0, 0, 0, self.count - best.shape[1])
        chosen = F.pad(x.gather(1, best.expand(-1, -1, x.shape[2])).masked_fill(padded, 0), left)
        begun = begun.expand(x.shape[0], -1, -1).gather(1, best.expand(-1, -1, 4)).masked_fill(padded, 0.5)
        begun = F.pad(begun, left, value=0.5)
        return Chosen(chosen, self._refined(chosen, begun), pixels)

    def _refined(self, x: Tensor, begun: Tensor) -> Tensor:
        return (self.box(x).float() + inverse_sigmoid(begun)).sigmoid()


def _peaks_first(sure: Tensor, sizes: Sequence[tuple[int, int]]) -> Tensor:
    """Put after all others the pixels, `(batch, pixels)`, that a neighbour on their map is surer than."""
    found = []
    for part, size in zip(sure.split([height * width for height, width in sizes], dim=1), sizes, strict=True):
        x = part.unflatten(1, size)[:, None]
        found.append(torch.where(x == F.max_pool2d(x, 3, 1, 1), x, x - LATER).flatten(1))
    return torch.cat(found, 1)


def _boxes(sizes: Sequence[tuple[int, int]], paddings: Sequence[Tensor], like: Tensor) -> Tensor:
    """Return a square box round each pixel, `(batch or 1, pixels, 4)`."""
    found = []
    for level, size in enumerate(sizes):
        y, x = pixel_places(size, 0.5, like.device, paddings[level] if paddings else None)
        side = torch.full_like(x, SIDE / 2 ** (len(sizes) - 1 - level))
        found.append(torch.stack([x, y, side, side], -1).flatten(1, 2))
    return torch.cat(found, 1)
