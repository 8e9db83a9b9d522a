"""What a training leaves as it is."""

import pytest
import torch
from torch import nn

from nas.network.blocks import Site
from nas.network.blocks.resnet import Bottleneck
from nas.network.layers.frozen import FrozenBatchNorm
from nas.network.properties import scrambled


def test_a_frozen_norm_is_batch_norm_in_evaluation_and_takes_its_weights() -> None:
    theirs, ours = scrambled(nn.BatchNorm2d(6)), FrozenBatchNorm(6)
    ours.load_state_dict(theirs.state_dict())
    assert not list(ours.parameters())
    x = torch.randn(2, 6, 5, 4)
    for ours_now in (ours.eval(), ours.train()):
        torch.testing.assert_close(ours_now(x), theirs(x))
    assert torch.equal(ours.running_mean, theirs.running_mean)


@pytest.mark.parametrize(("frozen", "trained"), [("none", 4 + 2 * 4), ("norm", 4), ("all", 0)])
def test_what_trains_in_a_block(frozen: str, trained: int) -> None:
    """Four convolutions and the affine of their norms, those of the shortcut among them."""
    block = Bottleneck(Site(8, 16, 2, (4, 4)), frozen=frozen)  # type: ignore[arg-type]
    assert len([p for p in block.parameters() if p.requires_grad]) == trained


@pytest.mark.parametrize("index", [0, 1])
def test_dilation_follows_the_first_block_of_a_stage(index: int) -> None:
    """A later block of DC5 sees pixels at twice the distance; the first has the pace of the stage before it."""
    block = scrambled(Bottleneck(Site(16, 16, 1, (9, 9), index, 2), dilation=2))
    x = torch.zeros(1, 16, 9, 9, requires_grad=True)
    block(x)[0, :, 4, 4].sum().backward()
    assert x.grad is not None
    seen = x.grad.abs().sum((0, 1)).nonzero().tolist()
    reach = 2 if index else 1
    assert sorted(map(tuple, seen)) == [(4 + reach * i, 4 + reach * j) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    assert Bottleneck.by_position({"dilation": 2})
    assert not Bottleneck.by_position({"dilation": 1})
