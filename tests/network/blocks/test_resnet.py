"""ResNet's blocks: where their gates and strides stand."""

from typing import Any

import pytest
import torch
from timm_models import scrambled

from nas.errors import SpaceError
from nas.network.blocks import Site
from nas.network.blocks.resnet import Bottleneck, Conv
from nas.network.layers.gates import BAM, CBAM, SqueezeExcitation
from nas.space.library import load_architecture

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
    ("stage", "words"),
    [
        ({"block": "bottleneck", "width": 30}, "width 30 is not divisible by expansion 4"),
    ],
)
def test_a_width_that_cannot_stand_is_refused(stage: dict[str, Any], words: str) -> None:
    network = {"stem": {"kind": "resnet", "width": 16}, "stages": [{"depth": 1, "stride": 1, **stage}]}
    with pytest.raises(SpaceError, match=words):
        load_architecture(network)
