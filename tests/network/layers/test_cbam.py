"""CBAM against a plain re-computation from the paper's equations."""

import torch
from timm_models import scrambled
from torch.nn import functional as F

from nas.network.layers.cbam import CBAM


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
