"""DETR, https://arxiv.org/abs/2005.12872, with what later papers found that it needs to learn from little data.

Those are four-dimensional anchors (DAB-DETR, https://arxiv.org/abs/2201.12329), denoising (DN-DETR,
https://arxiv.org/abs/2203.01305), repeated labels (DELA-DETR, https://arxiv.org/abs/2203.09507), focal classification
(RetinaNet, https://arxiv.org/abs/1708.02002), queries that begin with the likeliest pixels of the encoder (Deformable
DETR, https://arxiv.org/abs/2010.04159) and finer maps merged with what it gives (RT-DETR,
https://arxiv.org/abs/2304.08069).
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal

import torch
from pydantic import AfterValidator, Field
from torch import Tensor, nn
from torch.nn import functional as F

from nas.network.heads import Head
from nas.network.layers.denoising import Guides, noised, visible
from nas.network.layers.detections import Detections, Outputs
from nas.network.layers.pyramid import Pyramid
from nas.network.layers.queries import Anchors, Learned, boxes_from, classes_from, inverse_sigmoid
from nas.network.layers.selection import Chosen, Selection
from nas.network.layers.sine import pixel_places, pixel_waves
from nas.network.layers.tokens import to_map, to_tokens
from nas.network.layers.transformer import DecoderLayer, EncoderLayer, Memory
from nas.network.options import Count, Scalar


def _by_four(value: int) -> int:
    if value % 4:
        raise ValueError("not by 4")
    return value


Width = Annotated[int, Field(ge=8, le=2048), AfterValidator(_by_four), "from 8 to 2048 that is divisible by 4"]
Hidden = Annotated[int, Field(ge=1, le=8192), "from 1 to 8192"]
Encoder = Annotated[int, Field(ge=0, le=24), "from 0 to 24"]
Decoder = Annotated[int, Field(ge=1, le=24), "from 1 to 24"]
Queries = Annotated[int, Field(ge=1, le=2000), "from 1 to 2000"]
Dropout = Annotated[float, Field(ge=0, lt=1), "from 0 to below 1"]
Groups = Annotated[int, Field(ge=0, le=100), "from 0 to 100"]
Factor = Annotated[float, Field(gt=0, le=64), "above 0 and at most 64"]


class DETR(Head):
    """1x1 projection of the last map, transformer encoder and decoder, and for each query classes and a box.

    `width`, `heads`, `hidden` and `dropout` are those of the transformer, `encoder` and `decoder` its layers. With
    `levels` the encoder attends over the last maps of so many stages at once; with `pyramid` over the last alone, which
    convolutions then merge with the finer ones. `anchors` makes the queries boxes that each layer refines, `selected`
    those of the pixels that seem likeliest to hold an object, of which `distinct` takes no neighbours. `denoising` is
    the number of groups of noised targets in training, `repeats` how often a label counts in the matching of pixels and
    of each layer but the last, `focal` gives each class a sigmoid in place of the softmax with a class of no object.
    Widths and heights are multiplied by `enlarge`, as a network takes pixels for shares and finds boxes half as large
    in half the pixels.
    """

    outputs = "boxes"
    wants_maps = True
    by_fans = True

    def __init__(
        self,
        widths: Sequence[int],
        classes: int,
        *,
        width: Width = 256,
        encoder: Encoder = 6,
        decoder: Decoder = 6,
        heads: Count = 8,
        hidden: Hidden = 2048,
        queries: Queries = 100,
        dropout: Dropout = 0.1,
        anchors: bool = False,
        selected: bool = False,
        distinct: bool = False,
        denoising: Groups = 0,
        repeats: Count = 1,
        focal: bool = False,
        levels: Literal[1, 2, 3] = 1,
        pyramid: bool = False,
        enlarge: Factor = 1.0,
    ) -> None:
        super().__init__()
        self.classes, self.focal, self.repeats, self.groups, self.count = classes, focal, repeats, denoising, queries
        self.enlarge = enlarge
        self.projections = nn.ModuleList(nn.Conv2d(given, width, 1) for given in widths[-levels:])
        self.levels = nn.Parameter(torch.randn(levels, width)) if levels > 1 else None
        self.pyramid = Pyramid(width, len(self.projections)) if pyramid else None
        self.encoder = nn.ModuleList(EncoderLayer(width, heads, hidden, dropout) for _ in range(encoder))
        refined = anchors or selected
        self.decoder = nn.ModuleList(DecoderLayer(width, heads, hidden, dropout, refined) for _ in range(decoder))
        self.norm = nn.LayerNorm(width)
        outputs = classes if focal else classes + 1
        self.classifier = classes_from(width, outputs, focal)
        self.box = boxes_from(width, refined)
        self.labels = nn.Embedding(classes + 1, width) if denoising else None
        self.selection = Selection(queries, width, outputs, focal, distinct) if selected else None
        anchored = Anchors(0 if selected else queries, width, decoder) if refined else None
        self.queries = anchored or Learned(queries, width, denoising > 0)

    def forward(self, maps: Sequence[Tensor], targets: Tensor | None = None, padding: Tensor | None = None) -> Any:
        """Return boxes and scores, or in training `Detections`."""
        maps = maps[-len(self.projections) :]
        sizes = [(x.shape[2], x.shape[3]) for x in maps]
        paddings = [] if padding is None else [_shrunk(padding, size) for size in sizes]
        memory = self._encode(maps, paddings)
        chosen = self.selection(memory.tokens, sizes, paddings) if self.selection else None
        guides = noised(targets, self.groups, self.classes) if self.training and targets is not None else None
        boxes, logits = self._decode(memory, guides and self._shrunk(guides), chosen)
        boxes = self._enlarged(boxes)
        if not self.training:
            scores = logits[-1].sigmoid() if self.focal else logits[-1].softmax(-1)[..., :-1]
            return torch.cat([boxes[-1], scores], dim=-1)
        count, told, pixels = boxes.shape[2] - (0 if guides is None else guides.boxes.shape[1]), None, None
        if targets is not None and guides is not None:
            told = Outputs(*(_filled(x[:, :, count:], guides.rows, targets.shape[1]) for x in (logits, boxes)))
        if chosen is not None and chosen.pixels is not None:
            pixels = replace(chosen.pixels, boxes=self._enlarged(chosen.pixels.boxes))
        return Detections(logits[:, :, :count], boxes[:, :, :count], self.focal, self.repeats, told, pixels)

    def _encode(self, maps: Sequence[Tensor], paddings: Sequence[Tensor]) -> Memory:
        """Project the maps and let the pixels of all attend to each other, or of the last before they are merged."""
        maps = [project(x) for project, x in zip(self.projections, maps, strict=True)]
        places = [self._places(x, level, paddings) for level, x in enumerate(maps)]
        first = len(maps) - 1 if self.pyramid else 0
        x, place, mask = _joined(maps[first:], places[first:], paddings[first:])
        for layer in self.encoder:
            x = layer(x, place, mask)
        if self.pyramid:
            last = to_map(x, (maps[-1].shape[2], maps[-1].shape[3]))
            x, place, mask = _joined(self.pyramid([*maps[:-1], last], paddings), places, paddings)
        return Memory(x, place, x + place, mask)

    def _places(self, x: Tensor, level: int, paddings: Sequence[Tensor]) -> Tensor:
        """Return the positions of a map's pixels, with that of its level."""
        temperature, shift = self.queries.sine
        places = pixel_places((x.shape[2], x.shape[3]), shift, x.device, paddings[level] if paddings else None)
        place = pixel_waves(*places, x.shape[1], temperature)
        return (place if self.levels is None else place + self.levels[level]).to(x.dtype)

    def _decode(self, memory: Memory, guides: Guides | None, chosen: Chosen | None) -> tuple[Tensor, Tensor]:
        """Return boxes and logits `(layers, batch, queries, ...)`, in evaluation those of the last layer alone."""
        x = self._content(memory.tokens, guides, chosen)
        boxes = self.queries.boxes(x.shape[0], guides, None if chosen is None else chosen.boxes.detach())
        seen = None if guides is None else visible(x.shape[1] - guides.boxes.shape[1], guides)
        made: list[Tensor] = []
        found: list[Tensor] = []
        for layer, decode in enumerate(self.decoder):
            x = decode(x, *self.queries(boxes, x, layer, guides), seen, memory)
            if self.training or self.queries.refines or layer == len(self.decoder) - 1:
                made.append(self.norm(x))
            if self.queries.refines:
                found.append((self.box(made[-1]).float() + inverse_sigmoid(boxes)).sigmoid())
                boxes = found[-1].detach()
        first = 0 if self.training else -1
        hidden = torch.stack(made[first:])
        boxes = torch.stack(found[first:]) if found else self.box(hidden).float().sigmoid()
        return boxes, self.classifier(hidden).float()

    def _enlarged(self, boxes: Tensor) -> Tensor:
        if self.enlarge == 1:
            return boxes
        centres, sizes = boxes.split(2, dim=-1)
        return torch.cat([centres, (sizes * self.enlarge).clamp(max=1)], dim=-1)

    def _shrunk(self, guides: Guides) -> Guides:
        """Give guides the sizes that boxes have before they are enlarged."""
        centres, sizes = guides.boxes.split(2, dim=-1)
        return guides._replace(boxes=torch.cat([centres, sizes / self.enlarge], dim=-1))

    def _content(self, like: Tensor, guides: Guides | None, chosen: Chosen | None) -> Tensor:
        """Return what the queries begin with: nothing or the chosen tokens, and with denoising the vector of no label.

        Guides begin with the vectors of their labels.
        """
        content = like.new_zeros(like.shape[0], self.count, like.shape[2])
        if chosen is not None:
            content = chosen.tokens.detach()
        if self.labels is not None:
            content = content + self.labels.weight[-1]
            content = content if guides is None else torch.cat([content, self.labels(guides.labels)], dim=1)
        return content

    @classmethod
    def misfit(cls, option: str, value: Scalar, width: int) -> str | None:
        """Require heads that divide the transformer's width."""
        if option == "heads" and width % int(value):
            return f"width {width} is not divisible by heads {value}"
        return None


def _shrunk(padding: Tensor, size: tuple[int, int]) -> Tensor:
    """Return the padding of images `(batch, height, width)` as that of their maps."""
    return F.interpolate(padding[:, None].float(), size)[:, 0] > 0


def _joined(
    maps: Sequence[Tensor], places: Sequence[Tensor], paddings: Sequence[Tensor]
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Return the tokens `(batch, pixels, width)` of several maps, their positions, and which are no padding."""
    mask = ~_after([padding.flatten(1) for padding in paddings])[:, None, None] if paddings else None
    return _after([to_tokens(x) for x in maps]), _after(places), mask


def _after(levels: Sequence[Tensor]) -> Tensor:
    return levels[0] if len(levels) == 1 else torch.cat(list(levels), dim=1)


def _filled(x: Tensor, rows: int, most: int) -> Tensor:
    """Fill each group of `(layers, batch, groups * rows, ...)` to `most` rows, those of the targets."""
    return F.pad(x.unflatten(2, (-1, rows)), (0, 0, 0, most - rows)).flatten(2, 3)
