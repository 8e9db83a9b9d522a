"""Attention behind one function, in the formulation that is fastest where it runs."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

CACHE = 800_000  # attention scores that stay in a core's cache: 3 MB


def attend(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    bias: Tensor | None = None,
    scale: float | None = None,
    mask: Tensor | None = None,
) -> Tensor:
    """Softmax attention `(batch, heads, tokens, head_dim)`; `scale` is head_dim^-0.5 unless given.

    An additive `bias` is `(groups, heads, queries, keys)`; the batch is a multiple of `groups`, which take turns
    in it (1: a bias for all). `mask` is a second one without a gradient, `(groups, 1, queries, keys)`: apart, so that
    the bias's gradient is not formed for each window of an image. Measured on the CPU: the fused kernel is
    1.1 to 1.4 times as fast as plain products. But where the bias needs a gradient or has not exactly four
    dimensions, or where values are not as wide as keys, it falls to a slow path: there plain products are
    1.1 to 1.5 times as fast in training, up to twice in inference.
    """
    if bias is None:
        return F.scaled_dot_product_attention(q, k, v, scale=scale)
    terms = [bias.to(q.dtype)] if mask is None else [bias.to(q.dtype), mask.to(q.dtype)]
    slow = v.shape[3] != q.shape[3] or (bias.requires_grad and torch.is_grad_enabled())
    if q.device.type == "cpu" and slow:
        return _plain(q, k, v, terms, q.shape[-1] ** -0.5 if scale is None else scale)
    bias = terms[0] if mask is None else terms[0] + terms[1]
    if 1 < bias.shape[0] < q.shape[0]:
        bias = bias.repeat(q.shape[0] // bias.shape[0], 1, 1, 1)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=bias, scale=scale)


def _plain(q: Tensor, k: Tensor, v: Tensor, terms: list[Tensor], scale: float) -> Tensor:
    """The same by matrix products, as many images at a time as the cache holds (2.3 times faster at 256 tokens).

    A traced graph takes all at once: it serves batches of any size, and the split depends on the size.
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
    """Bias and mask are added in place, group by group, without being repeated."""
    scores = q @ k.transpose(-1, -2)
    for term in terms:
        scores.view(-1, term.shape[0], *scores.shape[1:]).add_(term)
    return scores.softmax(dim=-1).to(v.dtype) @ v


class MultiHead(nn.Module):
    """What every self-attention has: queries, keys and values of each head, and a projection of their answers."""

    closes = "out"

    def __init__(self, in_width: int, width: int, head_dim: int) -> None:
        super().__init__()
        self.heads = width // head_dim
        self.qkv = nn.Linear(in_width, 3 * width)
        self.out = nn.Linear(width, width)

    def split(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values of tokens, `(batch, heads, tokens, head_dim)` each."""
        q, k, v = self.qkv(x).view(*x.shape[:2], 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        return q, k, v

    def merge(self, mixed: Tensor) -> Tensor:
        """The heads' answers as tokens again, projected."""
        return self.out(mixed.transpose(1, 2).flatten(2))


class SelfAttention(MultiHead):
    """Multi-head self-attention: tokens `(batch, tokens, in_width)` -> `(batch, tokens, width)`."""

    def forward(self, x: Tensor) -> Tensor:
        return self.merge(attend(*self.split(x)))
