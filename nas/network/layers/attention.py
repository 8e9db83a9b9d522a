"""Softmax attention in its fastest formulation, and the layers around it."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nas.network.layers.map_attention import MapAttention

CACHE = 800_000  # logits that stay in a core's cache: 3 MB


def attend(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    bias: Tensor | None = None,
    scale: float | None = None,
    mask: Tensor | None = None,
) -> Tensor:
    """Attend with softmax, `(batch, heads, tokens, head_dim)` in and out.

    `scale` is head_dim^-0.5 unless given. The additive `bias` is `(groups, heads, queries, keys)`; the batch repeats
    the groups in turn. `mask` is a second bias without a gradient, `(groups, 1, queries, keys)` or the same for all
    queries, kept apart so that the bias's gradient is not formed for each window of an image.

    On the CPU the fused kernel is 1.1 to 1.4 times as fast as plain products. But a bias with a gradient, or values
    not as wide as keys, send it down a slow path, where plain products are 1.1 to 1.5 times as fast in training and up
    to twice in inference.
    """
    terms = [term.to(q.dtype) for term in (bias, mask) if term is not None]
    if not terms:
        return F.scaled_dot_product_attention(q, k, v, scale=scale)
    slow = v.shape[3] != q.shape[3] or (terms[0].requires_grad and torch.is_grad_enabled())
    if slow and on_cpu(q):
        return _plain(q, k, v, terms, q.shape[-1] ** -0.5 if scale is None else scale)
    bias = terms[0] if len(terms) == 1 else _sum(*terms)
    if 1 < bias.shape[0] < q.shape[0]:
        bias = bias.repeat(q.shape[0] // bias.shape[0], 1, 1, 1)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=bias, scale=scale)


def on_cpu(x: Tensor) -> bool:
    """Tell whether a tensor is on the CPU, or on torch's meta device, where what the CPU does is counted."""
    return x.device.type in ("cpu", "meta")


def _sum(bias: Tensor, mask: Tensor) -> Tensor:
    """Add a mask to a bias, whose groups may be those of many images."""
    return bias + (mask.repeat(bias.shape[0] // mask.shape[0], 1, 1, 1) if bias.shape[0] > 1 else mask)


def _plain(q: Tensor, k: Tensor, v: Tensor, terms: list[Tensor], scale: float) -> Tensor:
    """Attend by matrix products on as many images at once as the cache holds (2.3 times as fast at 256 tokens).

    A traced graph takes all images at once, because the split depends on the size of the batch.
    """
    if torch.compiler.is_compiling():
        return _products(q * scale, k, v, terms)
    groups, per_image = max(term.shape[0] for term in terms), q.shape[1] * q.shape[2] * k.shape[2]
    chunk = max(CACHE // per_image // groups, 1) * groups
    if chunk >= q.shape[0]:
        return _products(q * scale, k, v, terms)
    chunks = zip(torch.split(q * scale, chunk), torch.split(k, chunk), torch.split(v, chunk), strict=True)
    return torch.cat([_products(*parts, terms) for parts in chunks])


def _products(q: Tensor, k: Tensor, v: Tensor, terms: list[Tensor]) -> Tensor:
    """Attend, adding bias and mask in place and group by group, without repeating them."""
    logits = q @ k.transpose(-1, -2)
    for term in terms:
        logits.view(-1, term.shape[0], *logits.shape[1:]).add_(term)
    return logits.softmax(dim=-1).to(v.dtype) @ v


class MultiHead(nn.Module):
    """The projections of self-attention: to each head's queries, keys and values, and of the heads' outputs."""

    closes = "out"

    def __init__(self, in_width: int, width: int, head_dim: int) -> None:
        super().__init__()
        self.heads = width // head_dim
        self.qkv = nn.Linear(in_width, 3 * width)
        self.out = nn.Linear(width, width)

    def split(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Project tokens to queries, keys and values, `(batch, heads, tokens, head_dim)` each."""
        q, k, v = self.qkv(x).view(*x.shape[:2], 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        return q, k, v

    def merge(self, mixed: Tensor) -> Tensor:
        """Join the heads' outputs to tokens and project them."""
        return self.out(mixed.transpose(1, 2).flatten(2))


class SelfAttention(MapAttention, MultiHead):
    """Multi-head self-attention: tokens `(batch, tokens, in_width)` -> `(batch, tokens, width)`.

    `resolution` is that of the map whose tokens they are, if they are a map's.
    """

    def forward(self, x: Tensor, resolution: tuple[int, int] | None = None) -> Tensor:
        return self.merge(self.over(*self.split(x), resolution or (1, x.shape[1])))

    def mix(self, q: Tensor, k: Tensor, v: Tensor, resolution: tuple[int, int], mask: Tensor | None = None) -> Tensor:
        return attend(q, k, v, mask=mask)
