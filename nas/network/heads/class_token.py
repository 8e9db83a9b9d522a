"""The class token, https://arxiv.org/abs/2010.11929 (section 3.1); CvT's joins in the last stage (arXiv:2103.15808)."""

import torch
from torch import Tensor, nn

from nas.network.heads import Head
from nas.network.layers.initialise import transformer


class ClassToken(Head):
    """A trained vector that travels through the last stage beside its map; LayerNorm, linear classifier."""

    wants_token = True

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.token = nn.Parameter(torch.empty(1, 1, width))
        nn.init.trunc_normal_(self.token, std=0.02)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.classifier = nn.Linear(width, classes)
        self.apply(transformer)

    def forward(self, token: Tensor) -> Tensor:
        return self.classifier(self.norm(token[:, 0]))
