"""Stems: the parts that turn an image into the first feature map."""

from torch import nn


class Stem(nn.Module):
    """`Stem(channels, width, *, options)`: `(batch, channels, H, W)` -> `(batch, width, ceil(H / stride), ...)`.

    `stride` is how often the stem divides the resolution.
    """

    stride: int
