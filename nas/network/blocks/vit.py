"""ViT's block, https://arxiv.org/abs/2010.11929 (section 3.1), initialised as DeiT's, https://arxiv.org/abs/2012.12877."""

from collections.abc import Mapping
from functools import partial

from torch import Tensor, nn

from nas.network.blocks import Block, Site
from nas.network.layers.attention import SelfAttention
from nas.network.layers.initialise import transformer
from nas.network.layers.residual import MLP, DropPath
from nas.network.layers.tokens import LearnedPositions, Position, SinusoidalPositions, join, patch_embedding, split
from nas.network.options import Expansion, HeadDim, Scalar


class ViT(Block):
    """Pre-norm attention over the whole map, then a feed-forward network.

    `position` is an absolute embedding, added at the stage's first block. The paper never reduces the map; here PVT's
    patch embedding does, the plainest published one. LayerNorm's epsilon of 1e-6 is that of the authors' code.
    """

    letter = "V"
    carries_token = True

    def __init__(
        self, site: Site, *, head_dim: HeadDim = 64, mlp_ratio: Expansion = 4, position: Position = "learned"
    ) -> None:
        super().__init__()
        norm = partial(nn.LayerNorm, site.width, eps=1e-6)
        self.embed = patch_embedding(site.in_width, site.width, site.stride)
        self.positions: nn.Module | None = None
        if site.index == 0 and position == "learned":
            self.positions = LearnedPositions(site.width, site.out_resolution, site.token)
        elif site.index == 0 and position == "sinusoidal":
            self.positions = SinusoidalPositions(site.width, site.out_resolution)
        self.norm1 = norm()
        self.attention = SelfAttention(site.width, site.width, head_dim)
        self.norm2 = norm()
        self.mlp = MLP(site.width, mlp_ratio)
        self.drop_path = DropPath(site.drop_path)
        self.apply(transformer)

    def forward(self, x: Tensor, token: Tensor | None = None) -> Tensor | tuple[Tensor, Tensor]:
        x = self.embed(x)
        if self.positions is not None:
            x, token = self.positions(x, token)
        tokens = join(x, token)
        tokens = tokens + self.drop_path(self.attention(self.norm1(tokens), (x.shape[2], x.shape[3])))
        tokens = tokens + self.drop_path(self.mlp(self.norm2(tokens)))
        return split(tokens, (x.shape[2], x.shape[3]), token is not None)

    @classmethod
    def misfit(cls, option: str, value: Scalar, width: int) -> str | None:
        """Require a width divisible by 4 for sinusoidal positions too."""
        if option == "position" and value == "sinusoidal" and width % 4:
            return f"width {width} is not divisible by 4, as sinusoidal positions need"
        return super().misfit(option, value, width)

    @classmethod
    def by_position(cls, options: Mapping[str, Scalar]) -> bool:
        """Tell whether positions are added at a stage's first block."""
        return options.get("position", "learned") != "none"
