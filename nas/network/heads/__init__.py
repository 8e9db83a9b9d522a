"""Heads, which turn the last feature map, or those of several stages, into a network's outputs."""

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor, nn

from nas.network.options import Scalar


class Head(nn.Module):
    """`Head(width, classes, *, options)`: `(batch, width, H, W)` -> logits `(batch, classes)`.

    A head of boxes gives `(batch, queries, 4 + classes)`: centre, width and height as shares of the image's sides, and
    for each class a score from 0 to 1. In training it gives `Detections` instead.
    """

    outputs: ClassVar[str] = "logits"
    """The kind of outputs that the head gives, by the task's name for it."""

    wants_token: ClassVar[bool] = False
    """Whether the head owns a class token (`token`, `(1, 1, width)`) and reads it, `(batch, 1, width)`, not the map."""

    wants_maps: ClassVar[bool] = False
    """Whether the head takes a list with the map of every stage, and the tuple of their widths, in place of the last.

    Such a head is called `head(maps, targets=None, padding=None)`. `targets` are those of the images, in training;
    `padding`, bool `(batch, height, width)`, is True where an image is padded.
    """

    by_fans: ClassVar[bool] = False
    """Whether the head draws its weights by their fans, so that short trainings leave them as they are."""

    token: Tensor

    @classmethod
    def levels_of(cls, options: Mapping[str, Scalar]) -> int:
        """Return how many of the maps, the last ones, a head that wants them reads with these options."""
        return int(options.get("levels", 1))
