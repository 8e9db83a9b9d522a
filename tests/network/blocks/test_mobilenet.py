"""The MobileNets' blocks: where their shortcuts and activations stand."""

import pytest
import torch
from timm_models import scrambled
from torch import nn

from nas.network.blocks import Site
from nas.network.blocks.mobilenet import DepthwiseSeparable, InvertedResidual

SITE = Site(32, 32, 1, (6, 6))


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
