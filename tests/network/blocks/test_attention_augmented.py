"""The attention-augmented convolution: its channels, its tables, its attention by a naive loop, and where it stands."""

from typing import Any

import pytest
import torch
from timm_models import scrambled
from torch import nn
from torch.nn import functional as F

from nas.errors import SpaceError
from nas.network.blocks import Site
from nas.network.blocks.attention_augmented import AttentionAugmented, AugmentedConv
from nas.space.library import load_architecture


def _augmented(
    width: int = 32,
    *,
    stride: int = 1,
    resolution: tuple[int, int] = (4, 3),
    kappa: float = 0.2,
    upsilon: float = 0.25,
    heads: int = 4,
    attention_stride: int = 1,
) -> AugmentedConv:
    torch.manual_seed(0)
    conv = AugmentedConv(
        8, width, 3, stride, resolution, kappa=kappa, upsilon=upsilon, heads=heads, attention_stride=attention_stride
    )
    return scrambled(conv)


def _naive_attention(conv: AugmentedConv, x: torch.Tensor) -> torch.Tensor:
    """`(batch, values, H, W)`: each head, each query and each key by itself."""
    batch, _, height, width = x.shape
    qkv = F.conv2d(x, conv.qkv.weight)
    q, k, v = qkv.split([conv.keys, conv.keys, qkv.shape[1] - 2 * conv.keys], dim=1)
    positions = [(row, column) for row in range(height) for column in range(width)]
    mixed = torch.zeros_like(v)
    for image in range(batch):
        for head in range(conv.heads):
            qs, ks, vs = (part[image].chunk(conv.heads)[head] for part in (q, k, v))
            for row, column in positions:
                query = qs[:, row, column] * qs.shape[0] ** -0.5
                scores = [
                    query @ ks[:, r, c]
                    + query @ conv.logits.rows[r - row + height - 1]
                    + query @ conv.logits.columns[c - column + width - 1]
                    for r, c in positions
                ]
                weights = torch.stack(scores).softmax(0)
                size = vs.shape[0]
                mixed[image, head * size : (head + 1) * size, row, column] = vs.flatten(1) @ weights
    return F.conv2d(mixed, conv.out.weight)


@pytest.mark.parametrize("training", [False, True])
def test_attention_equals_a_naive_loop_over_positions(training: bool) -> None:
    conv = _augmented()
    x = torch.randn(2, 8, 4, 3)
    with torch.set_grad_enabled(training):
        found = conv(x)
    with torch.no_grad():
        expected = torch.cat([F.conv2d(x, conv.conv.weight, padding=1), _naive_attention(conv, x)], dim=1)
    torch.testing.assert_close(found.detach(), expected, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_pooled_attention_is_attention_on_the_pooled_map_enlarged() -> None:
    pooled = _augmented(resolution=(8, 6), attention_stride=2)
    plain = _augmented(resolution=(8, 6))
    plain.load_state_dict(pooled.state_dict())
    x = torch.randn(1, 8, 8, 6)
    small = F.avg_pool2d(x, 3, 2, 1, count_include_pad=False)
    attended = F.interpolate(plain(small)[:, -8:], (8, 6), mode="bilinear")
    torch.testing.assert_close(pooled(x), torch.cat([plain.conv(x), attended], dim=1))


@pytest.mark.parametrize(
    ("width", "kappa", "upsilon", "keys", "values"),
    [
        (128, 0.2, 0.1, 160, 8),  # ResNet-50's stages: 20 key channels a head at least, 12.8 / 8 rounds down
        (256, 0.2, 0.1, 160, 24),
        (512, 0.2, 0.1, 160, 48),
        (1024, 0.2, 0.1, 200, 96),
        (320, 1.0, 0.1, 320, 32),
        (64, 0.2, 0.05, 160, 8),  # one value channel a head at least
        (64, 0.5, 1.0, 160, 64),
    ],
)
def test_channels_are_the_papers(width: int, kappa: float, upsilon: float, keys: int, values: int) -> None:
    conv = _augmented(width, kappa=kappa, upsilon=upsilon, heads=8, resolution=(7, 5))
    assert conv.keys == keys
    assert conv.qkv.out_channels == 2 * keys + values
    assert conv.out.weight.shape == (values, values, 1, 1)
    assert (conv.conv.out_channels if conv.conv else 0) == width - values
    assert conv.logits.rows.shape == (2 * 7 - 1, keys // 8)
    assert conv.logits.columns.shape == (2 * 5 - 1, keys // 8)
    assert conv(torch.randn(1, 8, 7, 5)).shape == (1, width, 7, 5)


@pytest.mark.parametrize("attention_stride", [1, 2])
def test_a_strided_one_has_the_tables_of_the_map_it_gives(attention_stride: int) -> None:
    conv = _augmented(stride=2, resolution=(9, 7), attention_stride=attention_stride)
    assert len(conv.logits.rows) == 2 * 5 - 1
    assert len(conv.logits.columns) == 2 * 4 - 1
    assert conv(torch.randn(1, 8, 9, 7)).shape == (1, 32, 5, 4)


@pytest.mark.parametrize(("residual", "at", "width"), [("bottleneck", 3, 16), ("basic", 0, 64)])
def test_attention_augments_the_convolution_that_the_paper_augments(residual: Any, at: int, width: int) -> None:
    block = AttentionAugmented(Site(16, 64, 2, (6, 6)), residual=residual)
    augmented = block.branch[at]
    assert augmented.conv.kernel_size == (3, 3)
    assert augmented.conv.stride == augmented.qkv.stride == (2, 2)
    assert augmented.conv.out_channels + augmented.out.out_channels == width
    assert isinstance(block.branch[at + 1], nn.BatchNorm2d)


@pytest.mark.parametrize(
    ("stage", "words"),
    [
        ({"block": "attention_augmented", "width": 66}, "width 66 is not divisible by 4"),
        ({"block": "attention_augmented", "width": 16}, "too narrow for 8 heads: it must be at least 64"),
        ({"block": "attention_augmented", "width": 64, "upsilon": 0.0}, "above 0, at most 1"),
    ],
)
def test_a_width_that_cannot_stand_is_refused(stage: dict[str, Any], words: str) -> None:
    network = {"stem": {"kind": "resnet", "width": 16}, "stages": [{"depth": 1, "stride": 1, **stage}]}
    with pytest.raises(SpaceError, match=words):
        load_architecture(network)
