"""Heads, which turn the last feature map into logits."""

from typing import ClassVar

from torch import Tensor, nn


class Head(nn.Module):
    """`Head(width, classes, *, options)`: `(batch, width, H, W)` -> logits `(batch, classes)`."""

    outputs: ClassVar[str] = "logits"
    """The kind of outputs that the head gives, by the task's name for it."""

    wants_token: ClassVar[bool] = False
    """Whether the head owns a class token (`token`, `(1, 1, width)`) and reads it, `(batch, 1, width)`, not the map."""

    token: Tensor
