"""ViT_C's stem: the layouts that the paper lists."""

import pytest
import torch
from small_models import leave_no_numbers
from torch import nn

from nas.network.stems.convolution import EarlyConv, Layout


@pytest.mark.parametrize(
    ("layout", "width", "channels", "strides"),
    [
        ("1gf", 192, [24, 48, 96, 192], [2, 2, 2, 2]),
        ("4gf", 384, [48, 96, 192, 384], [2, 2, 2, 2]),
        ("18gf", 768, [64, 128, 128, 256, 256, 512], [2, 2, 1, 2, 1, 2]),
        ("36gf", 1024, [64, 128, 128, 256, 256, 512], [2, 2, 1, 2, 1, 2]),
    ],
)
def test_convolutions_then_a_projection_to_the_transformer(
    layout: Layout, width: int, channels: list[int], strides: list[int]
) -> None:
    stem = EarlyConv(3, width, layout=layout)
    convolutions = [m for m in stem.modules() if isinstance(m, nn.Conv2d)]
    *inner, last = convolutions
    assert [c.out_channels for c in inner] == channels
    assert [c.stride[0] for c in inner] == strides
    assert all(c.kernel_size == (3, 3) and c.bias is None for c in inner)
    assert sum(isinstance(m, nn.BatchNorm2d) for m in stem.modules()) == len(inner)
    assert last.kernel_size == (1, 1)
    assert last.out_channels == width
    assert last.weight.std().item() == pytest.approx((2 / width) ** 0.5, rel=0.05)
    assert not torch.any(last.bias)


def test_maps_below_its_strides_have_their_gradients_under_a_processors_autocast() -> None:
    """Eight pixels are one before the last convolution, whose bfloat16 gradient would be of memory nobody wrote."""
    torch.manual_seed(0)
    stem, x = EarlyConv(1, 16), torch.rand(8, 1, 8, 8)
    with torch.autocast("cpu", torch.bfloat16):
        out = stem(x)
    leave_no_numbers()
    out.float().square().sum().backward()
    rough = [p.grad.clone() for p in stem.parameters() if p.grad is not None]
    assert all(bool(gradient.isfinite().all()) for gradient in rough)
