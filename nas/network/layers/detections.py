"""What a head of boxes gives in training, layer by layer of its decoder."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Noised:
    """The answers of denoising queries, DN-DETR's, https://arxiv.org/abs/2203.01305 (section 4).

    `logits` are `(layers, batch, groups * most, classes)` and `boxes` `(layers, batch, groups * most, 4)`. The query
    `group * most + row` was made from that row of the image's targets, of which there are `most`.
    """

    logits: Tensor
    boxes: Tensor


@dataclass(frozen=True)
class Detections:
    """The answers of every decoder layer, the last one last.

    `boxes` `(layers, batch, queries, 4)` are centre, width and height as shares of the image's sides. `logits`
    are `(layers, batch, queries, classes + 1)`, the last for no object, or with `focal` `(..., classes)`,
    each for a sigmoid of its own. In the matching each target counts `repeats` times, in the last layer once.
    """

    logits: Tensor
    boxes: Tensor
    focal: bool = False
    repeats: int = 1
    noised: Noised | None = None
