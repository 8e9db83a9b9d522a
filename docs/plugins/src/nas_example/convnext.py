"""ConvNeXt's block, https://arxiv.org/abs/2201.03545 (section 2.6, Fig. 4)."""

import torch
from torch import Tensor, nn

from nas.network.blocks import Block, Site
from nas.network.layers.initialise import transformer
from nas.network.layers.residual import MLP, DropPath
from nas.network.layers.tokens import MapNorm, fill, to_map, to_tokens
from nas.network.options import Expansion, Kernel


class ConvNeXt(Block):
    """Depthwise convolution, LayerNorm, then a feed-forward network at each pixel, scaled by `gamma`.

    Where the block must change the map it opens, as the paper does between stages, with LayerNorm and a convolution
    whose kernel is its stride.
    """

    letter = "N"

    def __init__(self, site: Site, *, kernel_size: Kernel = 7, expansion: Expansion = 4) -> None:
        super().__init__()
        width, self.stride = site.width, site.stride
        self.gamma = nn.Parameter(torch.full((width,), 1e-6))
        self.reduce: nn.Module = nn.Identity()
        if site.stride > 1 or site.in_width != width:
            self.reduce = nn.Sequential(
                MapNorm(site.in_width), nn.Conv2d(site.in_width, width, site.stride, site.stride)
            )
        self.depthwise = nn.Conv2d(width, width, kernel_size, 1, kernel_size // 2, groups=width)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.mlp = MLP(width, expansion)
        self.drop_path = DropPath(site.drop_path)
        self.apply(transformer)

    def forward(self, x: Tensor) -> Tensor:
        x = self.reduce(fill(x, self.stride))
        mixed = self.mlp(self.norm(to_tokens(self.depthwise(x))))
        return x + self.drop_path(to_map(self.gamma * mixed, (x.shape[2], x.shape[3])))
