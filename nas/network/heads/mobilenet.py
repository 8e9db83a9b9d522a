"""MobileNetV2's head, https://arxiv.org/abs/1801.04381 (Table 2, last rows)."""

from typing import Annotated

from pydantic import Field
from torch import Tensor, nn

from nas.network.heads._base import Head
from nas.network.layers.initialise import truncated_normal

Width = Annotated[int, Field(ge=1, le=8192), "from 1 to 8192"]


class MobileNet(Head):
    """1x1 convolution to `hidden` channels, BatchNorm, ReLU6, mean over the map, linear classifier.

    The width multiplier widens the hidden channels where it is above 1 and never narrows them.
    """

    def __init__(self, width: int, classes: int, *, hidden: Width = 1280) -> None:
        super().__init__()
        self.expand = nn.Conv2d(width, hidden, 1, bias=False)
        self.norm = nn.BatchNorm2d(hidden)
        self.activation = nn.ReLU6(inplace=True)
        self.classifier = nn.Linear(hidden, classes)
        self.apply(truncated_normal)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.activation(self.norm(self.expand(x))).mean((2, 3)))
