"""Transformer blocks with relative positions: https://arxiv.org/abs/1904.09925, https://arxiv.org/abs/1803.02155."""

from collections.abc import Callable
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from nas.network.blocks import Block, Site, Size
from nas.network.layers.attention import MultiHead, attend
from nas.network.layers.initialise import transformer
from nas.network.layers.map_attention import MapAttention
from nas.network.layers.relative import RelativeLogits
from nas.network.layers.residual import MLP, DropPath
from nas.network.layers.tokens import patch_embedding, to_map, to_tokens
from nas.network.options import Expansion, HeadDim

__all__ = ["bello", "shaw"]

Distance = Annotated[int, Field(ge=1, le=1024), "from 1 to 1024"]


class _PreNorm(Block):
    """PVT's patch embedding, the plainest published one, then pre-norm attention and a feed-forward network."""

    def __init__(self, site: Site, mlp_ratio: float, attention: Callable[[], nn.Module]) -> None:
        super().__init__()
        self.embed = patch_embedding(site.in_width, site.width, site.stride)
        self.norm1 = nn.LayerNorm(site.width)
        self.attention = attention()
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


class Bello(_PreNorm):
    """Pre-norm attention whose logits gain `q . r_W(dx) + q . r_H(dy)`, then a feed-forward network.

    The attention of Bello et al. (section 3.1), with distances between rows and between columns. The paper uses it
    beside convolutions, this block in a transformer. PVT's patch embedding, the plainest published one, reduces the
    map.
    """

    letter = "R"

    def __init__(self, site: Site, *, head_dim: HeadDim = 32, mlp_ratio: Expansion = 4) -> None:
        super().__init__(site, mlp_ratio, lambda: RelativeLogitsAttention(site.width, head_dim, site.out_resolution))


class RelativeLogitsAttention(MapAttention, MultiHead):
    """Self-attention over a map's tokens `(batch, H * W, width)`, with logits relative in two dimensions."""

    def __init__(self, width: int, head_dim: int, resolution: Size) -> None:
        super().__init__(width, width, head_dim)
        self.logits = RelativeLogits(head_dim, resolution)

    def forward(self, x: Tensor, resolution: Size) -> Tensor:
        return self.merge(self.over(*self.split(x), resolution))

    def mix(self, q: Tensor, k: Tensor, v: Tensor, resolution: Size, mask: Tensor | None = None) -> Tensor:
        q = q * q.shape[-1] ** -0.5
        return attend(q, k, v, self.logits(q, resolution), scale=1.0, mask=mask)


class Shaw(_PreNorm):
    """Pre-norm attention with vectors for clipped distances added to keys and values, then a feed-forward network.

    The attention of Shaw et al. (section 3). Distances count pixels row by row and are clipped at `distance`, so the
    tables suit any resolution. PVT's patch embedding, the plainest published one, reduces the map.
    """

    letter = "S"

    def __init__(
        self, site: Site, *, head_dim: HeadDim = 32, mlp_ratio: Expansion = 4, distance: Distance = 16
    ) -> None:
        super().__init__(site, mlp_ratio, lambda: RelationAwareAttention(site.width, head_dim, distance))


class RelationAwareAttention(MapAttention, MultiHead):
    """`softmax(q_i (k_j + a_K[j - i]) / sqrt(d))` weighs `v_j + a_V[j - i]`, with two tables that all heads share.

    Queries and weights are multiplied with the 2 k + 1 clipped distances, so that no vector is formed for a pair.
    """

    def __init__(self, width: int, head_dim: int, distance: int) -> None:
        super().__init__(width, width, head_dim)
        self.keys = nn.Parameter(torch.empty(2 * distance + 1, head_dim))
        self.values = nn.Parameter(torch.empty(2 * distance + 1, head_dim))
        nn.init.xavier_uniform_(self.keys)
        nn.init.xavier_uniform_(self.values)

    def forward(self, x: Tensor, resolution: Size | None = None) -> Tensor:
        return self.merge(self.over(*self.split(x), resolution or (1, x.shape[1])))

    def mix(self, q: Tensor, k: Tensor, v: Tensor, resolution: Size, mask: Tensor | None = None) -> Tensor:
        q = q * q.shape[-1] ** -0.5
        logits = (q @ k.transpose(-1, -2)).add_(by_pair(q @ self.keys.T))
        if mask is not None:
            logits.view(-1, len(mask), *logits.shape[1:]).add_(mask)
        weights = logits.softmax(dim=-1).to(v.dtype)
        return weights @ v + by_distance(weights, len(self.values)) @ self.values


def by_pair(logits: Tensor) -> Tensor:
    """Spread `(..., query, clipped distance)` to `(..., query, key)`, without an index table."""
    tokens, reach = logits.shape[-2], logits.shape[-1] // 2
    spread = tokens - 1 - reach
    if spread > 0:  # repeat the ends for clipped distances
        first, last = logits[..., :1], logits[..., -1:]
        sides = (*logits.shape[:-1], spread)
        logits = torch.cat([first.expand(sides), logits, last.expand(sides)], dim=-1)
    elif spread < 0:
        logits = logits[..., -spread : logits.shape[-1] + spread]
    # row i starts at distance -i: each row begins one entry further left than the row above
    flat = logits.flatten(-2)[..., tokens - 1 :]
    flat = flat[..., : tokens * (2 * tokens - 2)] if tokens > 1 else flat
    return flat.view(*logits.shape[:-1], -1)[..., :tokens]


def by_distance(weights: Tensor, length: int) -> Tensor:
    """Sum `(..., query, key)` by distance to `(..., query, clipped distance)`."""
    tokens, reach = weights.shape[-1], length // 2
    sums = weights
    if tokens > 1:  # the inverse of `by_pair`: row i moves i entries to the right of distance -(tokens - 1)
        sums = weights.new_zeros(*weights.shape[:-1], 2 * tokens - 1)
        rows = sums.flatten(-2)[..., tokens - 1 :][..., : tokens * (2 * tokens - 2)]
        rows.view(*weights.shape[:-1], -1)[..., :tokens].copy_(weights)
    spread = tokens - 1 - reach
    if spread <= 0:
        return nn.functional.pad(sums, (-spread, -spread))
    first = sums[..., : spread + 1].sum(-1, keepdim=True)
    last = sums[..., -spread - 1 :].sum(-1, keepdim=True)
    return torch.cat([first, sums[..., spread + 1 : -spread - 1], last], dim=-1)
