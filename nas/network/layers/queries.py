"""What the queries of a detector are, and where they look: trained positions, or trained boxes."""

from math import log

import torch
from torch import Tensor, nn

from nas.network.layers.denoising import Guides
from nas.network.layers.sine import TEMPERATURE, box_waves
from nas.network.layers.transformer import perceptron

EDGE = 1e-3  # nearer to 0 and 1 the inverse of the sigmoid is cut off, as in DAB-DETR's code
LIKELY = 0.01  # what a focal classifier begins with as the chance of each class (RetinaNet, section 4.1)
SHARP = 20  # DAB-DETR's temperature (section 4.4), by which places on a map differ more than by DETR's


def inverse_sigmoid(x: Tensor) -> Tensor:
    """Return the logits of shares."""
    x = x.clamp(EDGE, 1 - EDGE)
    return (x / (1 - x)).log()


def boxes_from(width: int, refined: bool) -> nn.Sequential:
    """Build what says a box, or with `refined` how a box changes: at first not at all."""
    box = perceptron(width, width, width, 4)
    for weights in box[-1].parameters() if refined else ():
        nn.init.zeros_(weights)
    return box


def classes_from(width: int, outputs: int, focal: bool) -> nn.Linear:
    """Build what says the classes, with `focal` each a rare one at first."""
    classifier = nn.Linear(width, outputs)
    if focal:
        nn.init.constant_(classifier.bias, -log(1 / LIKELY - 1))
    return classifier


class Learned(nn.Module):
    """Trained vectors that stand for positions, DETR's, https://arxiv.org/abs/2005.12872 (appendix A.3).

    Boxes are said as they are, not as changes of others. Guides, `guided`, are placed by the sines of their own.
    """

    refines = False
    sine = (TEMPERATURE, 0.0)

    def __init__(self, queries: int, width: int, guided: bool) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.randn(queries, width))
        self.place: nn.Module = perceptron(2 * width, width, width) if guided else nn.Identity()

    def boxes(self, batch: int, guides: Guides | None, chosen: Tensor | None = None) -> Tensor:
        """Return what boxes of no query would be, `(1, 1, 4)`, as none is refined."""
        return self.table.new_full((1, 1, 4), 0.5, dtype=torch.float32)

    def forward(self, boxes: Tensor, x: Tensor, layer: int, guides: Guides | None) -> tuple[Tensor, Tensor]:
        """Return positions among the queries, and the places on the map that they look at."""
        # a copy, as torch's FlopCounterMode trips over a parameter's view where no gradients are taken
        positions = self.table[None].clone()
        if guides is not None:
            waves = box_waves(guides.boxes, x.shape[2], TEMPERATURE).to(x.dtype)
            positions = torch.cat([positions.expand(x.shape[0], -1, -1), self.place(waves)], dim=1)
        elif self.training and isinstance(self.place, nn.Sequential):  # have gradients, for which other processes wait
            positions = positions + self.place(x.new_zeros(0, 2 * x.shape[2])).sum()
        return positions, positions


class Anchors(nn.Module):
    """Trained boxes, which each layer of the decoder refines: DAB-DETR's, https://arxiv.org/abs/2201.12329 (section 4).

    `table` holds logits of centre x and y, width and height. Centres begin spread over the image, as by the authors'
    option `random_refpoints_xy`, which also keeps them there. Without `queries` the boxes come from elsewhere.
    """

    refines = True
    sine = (SHARP, 0.5)

    def __init__(self, queries: int, width: int, layers: int) -> None:
        super().__init__()
        table = torch.cat([inverse_sigmoid(torch.rand(queries, 2)), torch.randn(queries, 2)], dim=1)
        self.table = nn.Parameter(table) if queries else table
        self.place = perceptron(2 * width, width, width)
        self.scale: nn.Module = perceptron(width, width, width) if layers > 1 else nn.Identity()
        self.sides = perceptron(width, width, 2)

    def boxes(self, batch: int, guides: Guides | None, chosen: Tensor | None = None) -> Tensor:
        """Return the boxes that the first layer refines, its own or the `chosen` ones, `(batch, all, 4)`."""
        boxes = self.table.float().sigmoid().expand(batch, -1, -1) if chosen is None else chosen
        return boxes if guides is None else torch.cat([boxes, guides.boxes], dim=1)

    def forward(self, boxes: Tensor, x: Tensor, layer: int, guides: Guides | None) -> tuple[Tensor, Tensor]:
        """Return positions among the queries `x`, and the places on the map that they look at.

        Positions come from the sines of the boxes. Places are those of the centres, scaled by what the query has become
        (section 4.2), and in rows and columns by a height and a width that the query says, over the box's own
        (section 4.4, equation 6).
        """
        waves = box_waves(boxes, x.shape[2], TEMPERATURE).to(x.dtype)
        centres = waves[..., : x.shape[2]]
        if layer:
            centres = centres * self.scale(x)
        wide, high = (self.sides(x).sigmoid() / boxes[..., 2:].clamp(min=EDGE)).to(x.dtype).split(1, dim=-1)
        rows, columns = centres.chunk(2, dim=-1)
        return self.place(waves), torch.cat([rows * high, columns * wide], dim=-1)
