"""The pooling head of MOAT, https://arxiv.org/abs/2210.01820, and with `hidden` of CoAtNet's code."""

from torch import Tensor, nn

from nas.heads._base import Head
from nas.layers.initialise import normal


class Pool(Head):
    """Mean over the map, LayerNorm, linear classifier.

    `hidden` puts a linear layer as wide as the map and a tanh before the classifier, as CoAtNet's code does.
    """

    def __init__(self, width: int, classes: int, *, hidden: bool = False) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.hidden = nn.Sequential(nn.Linear(width, width), nn.Tanh()) if hidden else nn.Identity()
        self.classifier = nn.Linear(width, classes)
        self.apply(normal)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.hidden(self.norm(x.mean((2, 3)))))
