"""The residual convolutional blocks: where their gates, shortcuts and strides stand."""

from typing import Any

import pytest
import torch
from timm_models import scrambled
from torch import nn

from nas.errors import SpaceError
from nas.network.blocks._base import Site
from nas.network.blocks.attention_augmented import AttentionAugmented
from nas.network.blocks.bottleneck import Bottleneck
from nas.network.blocks.conv import Conv
from nas.network.blocks.depthwise_separable import DepthwiseSeparable
from nas.network.blocks.inverted_residual import InvertedResidual
from nas.network.layers.bam import BAM
from nas.network.layers.cbam import CBAM
from nas.network.layers.squeeze_excitation import SqueezeExcitation
from nas.space.grammar import load_architecture

SITE = Site(32, 32, 1, (6, 6))
STRIDED = Site(16, 32, 2, (6, 6))


@torch.no_grad()
@pytest.mark.parametrize(
    ("option", "gate"), [("se_ratio", SqueezeExcitation(32, 4)), ("cbam_ratio", CBAM(32, 4))], ids=["se", "cbam"]
)
@pytest.mark.parametrize(("kind", "last"), [(Conv, "norm2"), (Bottleneck, "norm3")])
def test_a_gate_stands_between_the_last_norm_and_the_addition(kind: Any, last: str, option: str, gate: Any) -> None:
    block = scrambled(kind(STRIDED, **{option: 4 / 32}))
    seen: dict[str, torch.Tensor] = {}
    getattr(block, last).register_forward_hook(lambda *args: seen.update(branch=args[2]))
    block.shortcut.register_forward_hook(lambda *args: seen.update(shortcut=args[2]))
    out = block(torch.randn(2, 16, 6, 6))
    gate.eval().load_state_dict(block.gates[0].state_dict())
    torch.testing.assert_close(out, (seen["shortcut"] + gate(seen["branch"])).relu())


@pytest.mark.parametrize("kind", [Conv, Bottleneck])
def test_bam_follows_the_stage_and_not_its_other_blocks(kind: Any) -> None:
    blocks = [kind(Site(32, 32, 1, (6, 6), index, 3), bam_ratio=0.25) for index in range(3)]
    assert [isinstance(block.after, BAM) for block in blocks] == [False, False, True]
    last = scrambled(blocks[2])
    plain = kind(SITE).eval()
    plain.load_state_dict({k: v for k, v in last.state_dict().items() if not k.startswith("after.")})
    x = torch.randn(2, 32, 6, 6)
    torch.testing.assert_close(last(x), last.after(plain(x)))


def test_the_bottleneck_strides_on_its_middle_convolution() -> None:
    block = Bottleneck(STRIDED)
    strides = [conv.stride[0] for conv in (block.reduce, block.conv, block.expand)]
    assert strides == [1, 2, 1]
    assert block.conv.in_channels == 32 // 4


@pytest.mark.parametrize(
    ("site", "residual"),
    [(SITE, True), (Site(32, 32, 2, (6, 6)), False), (Site(16, 32, 1, (6, 6)), False)],
    ids=["same", "strided", "wider"],
)
def test_an_inverted_residual_has_no_projection_shortcut(site: Site, residual: bool) -> None:
    block = scrambled(InvertedResidual(site))
    x = torch.randn(2, site.in_width, 6, 6)
    expected = block.branch(x) + x if residual else block.branch(x)
    torch.testing.assert_close(block(x), expected)


def test_an_inverted_residual_expands_its_input_and_ends_linearly() -> None:
    block = InvertedResidual(Site(16, 32, 1, (6, 6)), expansion=6)
    assert block.branch[0].out_channels == 6 * 16
    assert isinstance(block.branch[-1], nn.BatchNorm2d)
    assert sum(isinstance(layer, nn.ReLU6) for layer in block.branch) == 2
    assert block(torch.randn(2, 16, 6, 6)).min() < 0
    unexpanded = InvertedResidual(Site(16, 32, 1, (6, 6)), expansion=1)
    assert unexpanded.branch[0].groups == 16


@torch.no_grad()
def test_the_separable_block_keeps_between_zero_and_six() -> None:
    block = scrambled(DepthwiseSeparable(SITE))
    nn.init.constant_(block.layers[-2].weight, 100.0)
    out = block(torch.randn(1, 32, 6, 6))
    assert (float(out.min()), float(out.max())) == (0.0, 6.0)


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
        ({"block": "bottleneck", "width": 30}, "width 30 is not divisible by expansion 4"),
        ({"block": "attention_augmented", "width": 66}, "width 66 is not divisible by 4"),
        ({"block": "attention_augmented", "width": 16}, "too narrow for 8 heads: it must be at least 64"),
        ({"block": "attention_augmented", "width": 64, "upsilon": 0.0}, "above 0, at most 1"),
    ],
)
def test_a_width_that_cannot_stand_is_refused(stage: dict[str, Any], words: str) -> None:
    network = {"stem": {"kind": "resnet", "width": 16}, "stages": [{"depth": 1, "stride": 1, **stage}]}
    with pytest.raises(SpaceError, match=words):
        load_architecture(network)
