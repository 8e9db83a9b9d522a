"""What a head is."""

from torch import nn


class Head(nn.Module):
    """`Head(width, classes, *, options)`: `(batch, width, H, W)` -> scores `(batch, classes)`."""
