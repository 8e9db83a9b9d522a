"""The pixels of the encoder that seem likeliest to hold an object, for queries to begin with.

Deformable DETR's second variant, https://arxiv.org/abs/2010.04159 (section 4.3), with the pixels' tokens as contents of
the queries. As there, every pixel answers and learns, whichever are chosen.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nas.network.layers.detections import Answers
from nas.network.layers.queries import inverse_sigmoid, unmoved
from nas.network.layers.sine import pixel_places
from nas.network.layers.transformer import perceptron

SIDE = 0.2  # of the boxes that the coarsest map begins with; half as much on each finer one


class Chosen(NamedTuple):
    """The chosen tokens `(batch, queries, width)`, their boxes `(batch, queries, 4)`, and the answers of all pixels."""

    tokens: Tensor
    boxes: Tensor
    pixels: Answers


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
        x = self.project(tokens)
        boxes = (self.box(x).float() + inverse_sigmoid(_boxes(sizes, paddings, like=x))).sigmoid()
        logits = self.classifier(x).float()
        sure = (logits if self.focal else logits.softmax(-1)[..., :-1]).detach().amax(-1)
        if paddings:
            sure = sure.masked_fill(torch.cat([padding.flatten(1) for padding in paddings], 1), -torch.inf)
        best = sure.topk(min(self.count, x.shape[1]), dim=1).indices[..., None]
        left = (0, 0, 0, self.count - best.shape[1])
        chosen = F.pad(x.gather(1, best.expand(-1, -1, x.shape[2])), left)
        begun = F.pad(boxes.gather(1, best.expand(-1, -1, 4)), left, value=0.5)
        return Chosen(chosen, begun, Answers(logits[None], boxes[None]))


def _boxes(sizes: Sequence[tuple[int, int]], paddings: Sequence[Tensor], like: Tensor) -> Tensor:
    """Return a square box round each pixel, `(batch or 1, pixels, 4)`."""
    found = []
    for level, size in enumerate(sizes):
        y, x = pixel_places(size, 0.5, like.device, paddings[level] if paddings else None)
        side = torch.full_like(x, SIDE / 2 ** (len(sizes) - 1 - level))
        found.append(torch.stack([x, y, side, side], -1).flatten(1, 2))
    return torch.cat(found, 1)
