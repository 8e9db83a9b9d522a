"""CBAM and BAM against plain re-computations from the papers' equations, and which blocks have BAM."""

import pytest
import torch
from timm_models import scrambled
from torch import nn
from torch.nn import functional as F

from nas.network.layers.gates import BAM, CBAM, after_stage


def test_gates_equal_a_plain_recomputation() -> None:
    cbam = scrambled(CBAM(16, 4))
    torch.nn.init.constant_(cbam.spatial.norm.weight, 2.0)  # it starts at zero
    x = torch.randn(2, 16, 5, 7)
    reduce, _, expand = cbam.channel.mlp

    def shared(pooled: torch.Tensor) -> torch.Tensor:
        return F.linear(F.linear(pooled, reduce.weight, reduce.bias).relu(), expand.weight, expand.bias)

    means, maxima = x.flatten(2).mean(2), x.flatten(2).max(2).values
    refined = x * torch.sigmoid(shared(means) + shared(maxima)).view(2, 16, 1, 1)

    norm, spatial = cbam.spatial.norm, torch.empty(2, 1, 5, 7)
    planes = F.pad(torch.stack([refined.max(1).values, refined.mean(1)], 1), (3, 3, 3, 3))
    for row in range(5):
        for column in range(7):
            window = planes[:, :, row : row + 7, column : column + 7]
            spatial[:, 0, row, column] = (window * cbam.spatial.conv.weight[0]).sum((1, 2, 3))
    spatial = (spatial - norm.running_mean) / (norm.running_var + norm.eps).sqrt() * norm.weight + norm.bias
    torch.testing.assert_close(cbam(x), refined * spatial.sigmoid(), rtol=1e-4, atol=1e-5)


def test_the_spatial_gate_starts_at_a_half() -> None:
    cbam = CBAM(16, 4)
    x = torch.randn(2, 16, 4, 4)
    torch.testing.assert_close(cbam(x), cbam.channel(x) / 2)


def _norm(x: torch.Tensor, norm: nn.BatchNorm1d | nn.BatchNorm2d) -> torch.Tensor:
    shape = (1, -1) + (1,) * (x.ndim - 2)
    mean, var, weight, bias = (t.view(shape) for t in (norm.running_mean, norm.running_var, norm.weight, norm.bias))
    return (x - mean) / (var + norm.eps).sqrt() * weight + bias


def test_gate_equals_a_plain_recomputation() -> None:
    bam = scrambled(BAM(16, 4))
    x = torch.randn(2, 16, 9, 6)
    channel = _norm(bam.channel.reduce(x.flatten(2).mean(2)), bam.channel.norm).relu()
    channel = bam.channel.expand(channel)

    reduce, norm1, _, first, norm2, _, second, norm3, _, last = bam.spatial
    spatial = _norm(F.conv2d(x, reduce.weight, reduce.bias), norm1).relu()
    for conv, norm in ((first, norm2), (second, norm3)):  # a kernel of 3 with dilation 4 sees 4 pixels to each side
        spatial = _norm(F.conv2d(spatial, conv.weight, conv.bias, padding=4, dilation=4), norm).relu()
    spatial = F.conv2d(spatial, last.weight, last.bias)

    expected = x * (1 + torch.sigmoid(channel[:, :, None, None].expand_as(x) * spatial.expand_as(x)))
    torch.testing.assert_close(bam(x), expected, rtol=1e-4, atol=1e-5)


def test_a_batch_of_one_can_be_trained() -> None:
    bam = BAM(16, 4).train()
    bam(torch.randn(1, 16, 5, 5)).sum().backward()
    assert all(p.grad is not None for p in bam.parameters())


@pytest.mark.parametrize(("index", "ratio", "stands"), [(0, 0.25, False), (2, 0.25, True), (2, 0.0, False)])
def test_only_the_last_block_of_a_stage_has_it(index: int, ratio: float, stands: bool) -> None:
    assert isinstance(after_stage(16, ratio, index, 3), BAM) == stands
