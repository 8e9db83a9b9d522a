"""The pooling head of MOAT, https://arxiv.org/abs/2210.01820, of CoAtNet's code (`hidden`) and ResNet (no norm)."""

from typing import Literal

from torch import Tensor, nn

from nas.network.heads._base import Head
from nas.network.layers.initialise import normal


class Pool(Head):
    """Mean over the map, LayerNorm (ResNet and MobileNetV1 have none), linear classifier.

    `hidden` puts a linear layer as wide as the map and a tanh before the classifier, as CoAtNet's code does.
    """

    def __init__(
        self, width: int, classes: int, *, norm: Literal["layer", "none"] = "layer", hidden: bool = False
    ) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width) if norm == "layer" else nn.Identity()
        self.hidden = nn.Sequential(nn.Linear(width, width), nn.Tanh()) if hidden else nn.Identity()
        self.classifier = nn.Linear(width, classes)
        self.apply(normal)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.hidden(self.norm(x.mean((2, 3)))))
