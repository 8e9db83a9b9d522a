"""Self-attention with 2-D relative logits, https://arxiv.org/abs/1904.09925 (section 3.1), in a transformer block."""

from torch import Tensor, nn

from nas.network.blocks._base import Block, Site
from nas.network.layers.attention import MultiHead, attend
from nas.network.layers.drop_path import DropPath
from nas.network.layers.initialise import transformer
from nas.network.layers.mlp import MLP
from nas.network.layers.patches import patch_embedding
from nas.network.layers.relative_logits import RelativeLogits
from nas.network.layers.tokens import to_map, to_tokens
from nas.network.options import Expansion, HeadDim


class Bello(Block):
    """Pre-norm attention whose logits gain `q . r_W(dx) + q . r_H(dy)`, then a feed-forward network.

    The paper sets this attention beside convolutions; here it stands alone, as a transformer's. Where the block
    must reduce the map it takes the plainest published way, PVT's patch embedding.
    """

    letter = "R"

    def __init__(self, site: Site, *, head_dim: HeadDim = 32, mlp_ratio: Expansion = 4) -> None:
        super().__init__()
        self.embed = patch_embedding(site.in_width, site.width, site.stride)
        self.norm1 = nn.LayerNorm(site.width)
        self.attention = RelativeLogitsAttention(site.width, head_dim, site.out_resolution)
        self.norm2 = nn.LayerNorm(site.width)
        self.mlp = MLP(site.width, mlp_ratio)
        self.drop_path = DropPath(site.drop_path)
        self.apply(transformer)

    def forward(self, x: Tensor) -> Tensor:
        x = self.embed(x)
        resolution = (x.shape[2], x.shape[3])
        tokens = to_tokens(x)
        tokens = tokens + self.drop_path(self.attention(self.norm1(tokens), resolution))
        return to_map(tokens + self.drop_path(self.mlp(self.norm2(tokens))), resolution)


class RelativeLogitsAttention(MultiHead):
    """Self-attention over a map of tokens `(batch, H * W, width)`, its logits relative in two dimensions."""

    def __init__(self, width: int, head_dim: int, resolution: tuple[int, int]) -> None:
        super().__init__(width, width, head_dim)
        self.logits = RelativeLogits(head_dim, resolution)

    def forward(self, x: Tensor, resolution: tuple[int, int]) -> Tensor:
        q, k, v = self.split(x)
        q = q * q.shape[-1] ** -0.5
        return self.merge(attend(q, k, v, self.logits(q, resolution), scale=1.0))
