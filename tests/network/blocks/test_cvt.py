"""CvT's convolutional projections against plain re-computation."""

from typing import Literal

import pytest
import torch
from timm_models import scrambled
from torch import Tensor
from torch.nn import functional as F

from nas.network.blocks import Site
from nas.network.blocks.cvt import ConvolutionalAttention, CvT, QuickGELU


def _attention(kv_stride: int = 2, scale: Literal["width", "head_dim"] = "width") -> ConvolutionalAttention:
    attention = ConvolutionalAttention(8, 4, kv_stride, scale)
    scrambled(attention)
    return attention


def _projected(x: Tensor, attention: ConvolutionalAttention, name: str, stride: int) -> Tensor:
    """One channel at a time: 3x3 window sums, the statistics' norm, then the matrix."""
    convolution, norm = attention.get_submodule(f"convolve_{name}")
    padded = F.pad(x, (1, 1, 1, 1))
    height, width = -(-x.shape[2] // stride), -(-x.shape[3] // stride)
    out = torch.zeros(*x.shape[:2], height, width)
    for i in range(height):
        for j in range(width):
            window = padded[:, :, i * stride : i * stride + 3, j * stride : j * stride + 3]
            out[:, :, i, j] = (window * convolution.weight[:, 0]).sum((2, 3))
    out = (out - norm.running_mean[:, None, None]) / (norm.running_var[:, None, None] + norm.eps).sqrt()
    out = out * norm.weight[:, None, None] + norm.bias[:, None, None]
    return out.flatten(2).transpose(1, 2)


@torch.no_grad()
@pytest.mark.parametrize("has_token", [False, True])
@pytest.mark.parametrize(("kv_stride", "scale", "factor"), [(2, "width", 8**-0.5), (1, "head_dim", 4**-0.5)])
@pytest.mark.parametrize("resolution", [(4, 6), (5, 3)])
def test_keys_and_values_are_strided_and_a_token_is_only_projected(
    resolution: tuple[int, int], kv_stride: int, scale: Literal["width", "head_dim"], factor: float, has_token: bool
) -> None:
    attention = _attention(kv_stride, scale)
    x, token = torch.randn(2, 8, *resolution), torch.randn(2, 1, 8)
    tokens = x.flatten(2).transpose(1, 2)
    heads = {}
    for name, stride in (("q", 1), ("k", kv_stride), ("v", kv_stride)):
        places = _projected(x, attention, name, stride)
        places = torch.cat([token, places], 1) if has_token else places
        heads[name] = attention.get_submodule(name)(places).view(2, -1, 2, 4).transpose(1, 2)
    weights = (heads["q"] @ heads["k"].transpose(-1, -2) * factor).softmax(-1)
    expected = attention.out((weights @ heads["v"]).transpose(1, 2).flatten(2))
    found = attention(torch.cat([token, tokens], 1) if has_token else tokens, resolution)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_the_first_block_embeds_the_map_and_leaves_the_token() -> None:
    block = CvT(Site(8, 16, 2, (6, 6), token=True), head_dim=8).eval()
    x, token = block(torch.randn(2, 8, 6, 6), torch.randn(2, 1, 16))
    assert x.shape == (2, 16, 3, 3)
    assert token.shape == (2, 1, 16)
    inner = CvT(Site(16, 16, 1, (3, 3), index=1, depth=2, token=True), head_dim=8)
    assert not list(inner.embed.parameters())


def test_quick_gelu_is_near_gelu() -> None:
    x = torch.linspace(-4, 4, 33)
    torch.testing.assert_close(QuickGELU()(x), F.gelu(x), atol=0.03, rtol=0)
    torch.testing.assert_close(QuickGELU()(torch.tensor(1.0)), torch.tensor(1.702).sigmoid())
