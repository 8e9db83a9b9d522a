"""Heads that end in a linear classifier, of the pooled map or of a class token.

MOAT's (https://arxiv.org/abs/2210.01820), CoAtNet's, ResNet's, Swin's, MobileNetV2's and ViT's.
"""

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from nas.network.heads import Head
from nas.network.layers.initialise import normal, transformer, truncated_normal
from nas.network.layers.means_norm import MeansNorm
from nas.network.layers.tokens import to_tokens

__all__ = ["class_token", "mobilenet", "norm_pool", "pool"]

Width = Annotated[int, Field(ge=1, le=8192), "from 1 to 8192"]
Epsilon = Annotated[float, Field(gt=0, le=1e-3), "above 0, at most 0.001"]


class Pool(Head):
    """Mean over the map, LayerNorm (not in ResNet and MobileNetV1), linear classifier.

    MOAT's, https://arxiv.org/abs/2210.01820. `hidden` puts a linear layer as wide as the map and a tanh before the
    classifier, as CoAtNet's code does. `norm: batch` is LeViT's BatchNorm, https://arxiv.org/abs/2104.01136 (section
    4.2): it takes away what all images share, which LayerNorm leaves, and by which residual blocks that begin as
    identities starve in short trainings.
    """

    def __init__(
        self, width: int, classes: int, *, norm: Literal["layer", "batch", "none"] = "layer", hidden: bool = False
    ) -> None:
        super().__init__()
        self.norm: nn.Module = {"layer": nn.LayerNorm, "batch": MeansNorm, "none": nn.Identity}[norm](width)
        self.hidden = nn.Sequential(nn.Linear(width, width), nn.Tanh()) if hidden else nn.Identity()
        self.classifier = nn.Linear(width, classes)
        self.apply(normal)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.hidden(self.norm(x.mean((2, 3)))))


class NormPool(Head):
    """LayerNorm of each pixel, mean over the map, linear classifier.

    Swin's, https://arxiv.org/abs/2103.14030 (section 3.1): the norm comes before the pooling.
    """

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.classifier = nn.Linear(width, classes)
        self.apply(transformer)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.norm(to_tokens(x)).mean(1))


class ClassToken(Head):
    """A trained vector that travels through the last stage beside the map, then LayerNorm, linear classifier.

    ViT's, https://arxiv.org/abs/2010.11929 (section 3.1); CvT's joins in the last stage (arXiv:2103.15808). `eps` is
    LayerNorm's: 1e-6 in the code of ViT's and DeiT's authors, 1e-5 in that of CvT's (cls_cvt.py).
    """

    wants_token = True

    def __init__(self, width: int, classes: int, *, eps: Epsilon = 1e-6) -> None:
        super().__init__()
        self.token = nn.Parameter(torch.empty(1, 1, width))
        nn.init.trunc_normal_(self.token, std=0.02)
        self.norm = nn.LayerNorm(width, eps=eps)
        self.classifier = nn.Linear(width, classes)
        self.apply(transformer)

    def forward(self, token: Tensor) -> Tensor:
        return self.classifier(self.norm(token[:, 0]))


class MobileNet(Head):
    """1x1 convolution to `hidden` channels, BatchNorm, ReLU6, mean over the map, linear classifier.

    MobileNetV2's, https://arxiv.org/abs/1801.04381 (Table 2, last rows). A width multiplier above 1 widens the hidden
    channels; a smaller one leaves them.
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
