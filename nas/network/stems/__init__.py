"""Stems, which turn an image into the first feature map."""

from torch import nn


class Stem(nn.Module):
    """`Stem(channels, width, *, options)`: `(batch, channels, H, W)` -> `(batch, width, ceil(H / stride), ...)`.

    `stride` divides the resolution.
    """

    stride: int
