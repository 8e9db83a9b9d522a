"""Initial weights are drawn as the authors' code draws them."""

import pytest
import torch
from torch import nn

from nas.network.layers.initialise import kaiming, truncated_normal


def test_the_mobilenets_cut_a_normal_at_two_deviations() -> None:
    layer = nn.Linear(200, 300)
    truncated_normal(layer)
    assert float(layer.weight.detach().abs().max()) <= 0.18
    assert float(layer.weight.detach().std()) == pytest.approx(0.09 * 0.8796, rel=0.02)  # of a normal cut at 2
    assert not layer.bias.any()


def test_resnets_convolutions_scale_with_their_fan_out() -> None:
    conv = nn.Conv2d(32, 128, 3)
    kaiming(conv)
    assert float(conv.weight.detach().std()) == pytest.approx((2 / (128 * 9)) ** 0.5, rel=0.02)
    assert conv.bias is not None
    assert torch.equal(conv.bias, torch.zeros(128))
