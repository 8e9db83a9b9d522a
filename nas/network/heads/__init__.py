"""Heads: the parts that turn the last feature map into class scores."""

from typing import ClassVar

from torch import Tensor, nn


class Head(nn.Module):
    """`Head(width, classes, *, options)`: `(batch, width, H, W)` -> scores `(batch, classes)`."""

    outputs: ClassVar[str] = "logits"
    """The kind of outputs that it gives, as a task needs them."""

    wants_token: ClassVar[bool] = False
    """Whether it owns a class token (`token`, `(1, 1, width)`) and reads that instead, `(batch, 1, width)`."""

    token: Tensor
