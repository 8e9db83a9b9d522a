"""The transformer of DETR, https://arxiv.org/abs/2005.12872 (appendix A.3).

Tokens are `(batch, tokens, width)`. LayerNorm comes after each sum. Every layer adds positions to queries and keys,
none to values.
"""

from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nas.network.layers.attention import on_cpu


class Memory(NamedTuple):
    """What the decoder looks at: the encoder's tokens, their positions, their sum, and which are no padding."""

    tokens: Tensor
    positions: Tensor
    placed: Tensor
    seen: Tensor | None
    """Bool `(batch, 1, 1, tokens)`, or None where no image is padded."""


class _Attention(nn.Module):
    """What kinds of multi-head attention share: the split into heads, and the projection of the heads' outputs."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.out = nn.Linear(width, width)

    def split(self, x: Tensor) -> Tensor:
        """Turn tokens into heads, `(batch, heads, tokens, width / heads)`."""
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def mix(self, q: Tensor, k: Tensor, v: Tensor, seen: Tensor | None) -> Tensor:
        """Attend to the keys that `seen` allows, and join the heads."""
        dropout = self.dropout if self.training else 0.0
        unfused = dropout > 0 or v.shape[-1] != q.shape[-1]
        attend = _products if unfused and on_cpu(q) else F.scaled_dot_product_attention
        mixed = attend(q, k, v, attn_mask=seen, dropout_p=dropout)
        return self.out(mixed.transpose(1, 2).flatten(2))


def _products(q: Tensor, k: Tensor, v: Tensor, attn_mask: Tensor | None, dropout_p: float) -> Tensor:
    """Attend by plain products, where torch has no fused kernel on CPUs.

    They are up to 1.3 times as fast as its own path with dropout, and 1.7 times where values are not as wide as keys.
    """
    logits = (q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2)
    if attn_mask is not None:
        logits = logits.masked_fill(~attn_mask, -torch.inf)
    return F.dropout(logits.softmax(-1), dropout_p) @ v


class SelfAttention(_Attention):
    """Attention among tokens that have positions."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__(width, heads, dropout)
        self.qk, self.v = nn.Linear(width, 2 * width), nn.Linear(width, width)
        initialise(self)

    def forward(self, x: Tensor, positions: Tensor, seen: Tensor | None) -> Tensor:
        q, k = self.qk(x + positions).chunk(2, dim=-1)
        return self.mix(self.split(q), self.split(k), self.split(self.v(x)), seen)


class CrossAttention(_Attention):
    """Attention of queries to the encoder's tokens, with positions added."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__(width, heads, dropout)
        self.q, self.k, self.v = (nn.Linear(width, width) for _ in range(3))
        initialise(self)

    def forward(self, x: Tensor, positions: Tensor, memory: Memory) -> Tensor:
        q, k, v = self.q(x + positions), self.k(memory.placed), self.v(memory.tokens)
        return self.mix(self.split(q), self.split(k), self.split(v), memory.seen)


class PlacedAttention(_Attention):
    """Attention by content and by place, each with projections of its own: the two products are added.

    DAB-DETR's, https://arxiv.org/abs/2201.12329 (section 4.2, Fig. 6). Without the position that the authors' code adds
    to the content of the first layer alone.
    """

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__(width, heads, dropout)
        self.q, self.k, self.v, self.q_place, self.k_place = (nn.Linear(width, width) for _ in range(5))
        initialise(self)

    def forward(self, x: Tensor, positions: Tensor, memory: Memory) -> Tensor:
        place = self.k_place(memory.positions).expand_as(memory.tokens)
        q = torch.cat([self.split(self.q(x)), self.split(self.q_place(positions))], dim=-1)
        k = torch.cat([self.split(self.k(memory.tokens)), self.split(place)], dim=-1)
        return self.mix(q, k, self.split(self.v(memory.tokens)), memory.seen)


def initialise(attention: _Attention) -> None:
    """Draw projections as torch does where those of queries, keys and values are one matrix (Glorot), biases zero."""
    bound = (6 / (4 * attention.out.in_features)) ** 0.5
    for name, layer in attention.named_children():
        if name == "out":
            nn.init.xavier_uniform_(layer.weight)  # type: ignore[arg-type]
        else:
            nn.init.uniform_(layer.weight, -bound, bound)  # type: ignore[arg-type]
        nn.init.zeros_(layer.bias)  # type: ignore[arg-type]


class FeedForward(nn.Sequential):
    """Linear, ReLU, dropout, linear."""

    def __init__(self, width: int, hidden: int, dropout: float) -> None:
        super().__init__(nn.Linear(width, hidden), nn.ReLU(inplace=True), nn.Dropout(dropout), nn.Linear(hidden, width))
        for layer in (self[0], self[3]):
            nn.init.xavier_uniform_(layer.weight)  # type: ignore[arg-type]


class EncoderLayer(nn.Module):
    """Self-attention and a feed-forward network, each added to its input and followed by LayerNorm."""

    def __init__(self, width: int, heads: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.attention = SelfAttention(width, heads, dropout)
        self.norm1 = nn.LayerNorm(width)
        self.mlp = FeedForward(width, hidden, dropout)
        self.norm2 = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, positions: Tensor, seen: Tensor | None) -> Tensor:
        x = self.norm1(x + self.dropout(self.attention(x, positions, seen)))
        return self.norm2(x + self.dropout(self.mlp(x)))


class DecoderLayer(nn.Module):
    """Self-attention among queries, attention to the encoder's tokens, a feed-forward network; LayerNorm after each.

    With `placed`, queries attend to the tokens by content and by place apart.
    """

    def __init__(self, width: int, heads: int, hidden: int, dropout: float, placed: bool = False) -> None:
        super().__init__()
        self.attention = SelfAttention(width, heads, dropout)
        self.norm1 = nn.LayerNorm(width)
        self.cross = (PlacedAttention if placed else CrossAttention)(width, heads, dropout)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = FeedForward(width, hidden, dropout)
        self.norm3 = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, positions: Tensor, places: Tensor, seen: Tensor | None, memory: Memory) -> Tensor:
        """Add `positions` to the queries among themselves, `places` where they attend to the tokens."""
        x = self.norm1(x + self.dropout(self.attention(x, positions, seen)))
        x = self.norm2(x + self.dropout(self.cross(x, places, memory)))
        return self.norm3(x + self.dropout(self.mlp(x)))


def perceptron(*widths: int) -> nn.Sequential:
    """Build linear layers from width to width, with ReLU between."""
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        layers += [nn.Linear(before, after), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers[:-1])
