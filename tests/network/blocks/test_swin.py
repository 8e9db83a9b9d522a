"""Swin's block: which blocks shift, how patches merge, and that the shifted block exports too."""

import pytest
import torch
from timm_models import scrambled

from nas.network import properties
from nas.network.blocks import Site
from nas.network.blocks.swin import PatchMerging, Swin


@pytest.mark.parametrize(
    ("index", "window", "side", "shift"), [(0, 4, 8, 0), (1, 4, 8, 2), (2, 4, 8, 0), (3, 7, 14, 3), (1, 7, 7, 0)]
)
def test_every_second_block_shifts_by_half_a_window(index: int, window: int, side: int, shift: int) -> None:
    block = Swin(Site(8, 8, 1, (side, side), index, 4), head_dim=4, window=window)
    assert block.attention.shift == (shift, shift)


@torch.no_grad()
def test_patches_are_merged_in_the_released_order() -> None:
    merging = PatchMerging(3, 5, 2)
    x = torch.randn(1, 3, 5, 4)
    out = merging(x)
    assert out.shape == (1, 5, 3, 2)
    four = torch.cat([x[0, :, 2, 2], x[0, :, 3, 2], x[0, :, 2, 3], x[0, :, 3, 3]])
    torch.testing.assert_close(out[0, :, 1, 1], merging.reduce(merging.norm(four)))
    edge = torch.cat([x[0, :, 4, 0], torch.zeros(3), x[0, :, 4, 1], torch.zeros(3)])
    torch.testing.assert_close(out[0, :, 2, 0], merging.reduce(merging.norm(edge)))


def test_the_shifted_block_conforms() -> None:
    """The suite of blocks meets a stage's first block only, which does not shift."""
    site = Site(8, 8, 1, (7, 10), index=1, depth=2)
    block = scrambled(Swin(site, head_dim=4, window=3))
    x = torch.randn(2, 8, 7, 10)
    properties.assert_gradients_reach_every_parameter(block, x)
    properties.assert_same_in_channels_last(block, x)
    properties.assert_runs_in_bfloat16(block, x)
    properties.assert_exports(block, x)
    properties.assert_state_round_trips(block, Swin(site, head_dim=4, window=3), x)
    with torch.device("meta"):
        assert Swin(site, head_dim=4, window=3)(torch.empty(1, 8, 7, 10)).shape == (1, 8, 7, 10)
