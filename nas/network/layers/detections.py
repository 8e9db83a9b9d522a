"""What a head of boxes gives in training, layer by layer of its decoder."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Outputs:
    """Logits of classes `(layers, batch, answers, classes)`, and boxes `(layers, batch, answers, 4)`."""

    logits: Tensor
    boxes: Tensor


@dataclass(frozen=True)
class Detections(Outputs):
    """The answers of every decoder layer, the last one last.

    `boxes` are centre, width and height as shares of the image's sides. `logits` are of the classes and last of no
    object, or with `focal` of the classes, each for a sigmoid of its own. In the matching each target counts `repeats`
    times, in the last layer once.

    `noised` are the answers of denoising queries, DN-DETR's, https://arxiv.org/abs/2203.01305 (section 4): of `groups *
    most` the one at `group * most + row` was made from that row of the image's targets, of which there are `most`.
    `pixels` are those of one layer, of the encoder's tokens, from which queries were chosen.
    """

    focal: bool = False
    repeats: int = 1
    noised: Outputs | None = None
    pixels: Outputs | None = None
