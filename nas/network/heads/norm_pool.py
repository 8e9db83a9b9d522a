"""Swin's head, https://arxiv.org/abs/2103.14030 (section 3.1): the norm comes before the pooling."""

from torch import Tensor, nn

from nas.network.heads._base import Head
from nas.network.layers.initialise import transformer
from nas.network.layers.tokens import to_tokens


class NormPool(Head):
    """LayerNorm of each place, mean over the map, linear classifier."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.classifier = nn.Linear(width, classes)
        self.apply(transformer)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.norm(to_tokens(x)).mean(1))
