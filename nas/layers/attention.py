"""Attention behind one function, in the formulation that is fastest where it runs."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nas.layers.relative_bias import RelativeBias


def attend(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None = None, scale: float | None = None) -> Tensor:
    """Softmax attention `(batch, heads, tokens, head_dim)`, with an additive bias `(heads, tokens, tokens)`.

    On the CPU a bias that needs a gradient sends the fused kernel to its slow path; plain products win there.
    """
    if bias is not None and bias.requires_grad and torch.is_grad_enabled() and q.device.type == "cpu":
        scale = q.shape[-1] ** -0.5 if scale is None else scale
        scores = torch.baddbmm(
            bias.to(q.dtype).expand(q.shape[0], -1, -1, -1).reshape(-1, *bias.shape[-2:]),
            (q * scale).flatten(0, 1),
            k.flatten(0, 1).transpose(1, 2),
        )
        return torch.bmm(scores.softmax(dim=-1), v.flatten(0, 1)).view(*q.shape[:3], v.shape[3])
    mask = None if bias is None else bias.to(q.dtype)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=scale)


class RelativeAttention(nn.Module):
    """Multi-head self-attention over a map with CoAtNet's scalar relative bias (arXiv:2106.04803, 2.1).

    Takes tokens `(batch, height * width, in_width)`, gives `(batch, height * width, width)`. Scale is head_dim^-0.5.
    """

    def __init__(self, in_width: int, width: int, head_dim: int, resolution: tuple[int, int]) -> None:
        super().__init__()
        self.heads = width // head_dim
        self.qkv = nn.Linear(in_width, 3 * width)
        self.bias = RelativeBias(self.heads, resolution)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor, resolution: tuple[int, int]) -> Tensor:
        batch, tokens, _ = x.shape
        q, k, v = self.qkv(x).view(batch, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        mixed = attend(q, k, v, self.bias(resolution))
        return self.out(mixed.transpose(1, 2).reshape(batch, tokens, -1))
