"""MOAT's two modes: over the whole map, and in windows."""

import pytest
import torch
from timm_models import scrambled

from nas.network.blocks import Site
from nas.network.blocks.moat import MOAT
from nas.network.options import options_of
from nas.registry import BLOCKS


@torch.no_grad()
def test_a_window_that_covers_the_map_is_the_global_mode() -> None:
    site = Site(8, 8, 2, (9, 8))
    whole, windowed = MOAT(site, head_dim=4), MOAT(site, head_dim=4, window=7)
    scrambled(whole)
    windowed.eval().load_state_dict(whole.state_dict())
    x = torch.randn(2, 8, 9, 8)
    torch.testing.assert_close(windowed(x), whole(x))


@torch.no_grad()
def test_windows_attend_themselves_alone() -> None:
    """What changes in one window changes only it, but for the reach of the depthwise convolution, here cut off."""
    block = MOAT(Site(8, 8, 1, (6, 6)), head_dim=4, window=3, kernel_size=1).eval()
    x = torch.randn(1, 8, 6, 6)
    changed = x.clone()
    changed[:, :, 0, 0] += 1
    moved = (block(changed) - block(x)).abs().amax((0, 1)) > 0
    assert moved[:3, :3].all()
    assert not moved[3:].any()
    assert not moved[:, 3:].any()


@pytest.mark.parametrize(("value", "allowed"), [(0, True), (1, False), (2, True), (14, True), (-1, False)])
def test_a_window_of_one_pixel_is_refused(value: int, allowed: bool) -> None:
    assert options_of(BLOCKS, "moat")["window"].allows(value) is allowed
