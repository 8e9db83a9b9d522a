"""Attention in windows against masked attention over the whole map."""

import pytest
import torch
from torch import Tensor

from nas.network.layers.relative import RelativeAttention
from nas.network.layers.windows import WindowAttention, partition, restore


def _windowed(resolution: tuple[int, int], window: int, shift: int) -> WindowAttention:
    layer = WindowAttention(8, 4, window, resolution, shift).eval()
    with torch.no_grad():
        layer.bias.table.normal_()
        layer.qkv.weight.mul_(5)
    return layer


def _masked(layer: WindowAttention, x: Tensor, window: int, shift: int) -> Tensor:
    """Every pair of places of the map, forbidden unless a grid that starts at the shift has them in one cell."""
    _, height, width, channels = x.shape
    q, k, v = layer.split(x.flatten(1, 2))
    scores = q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5
    for i in range(height * width):
        for j in range(height * width):
            (y, x_), (other_y, other_x) = divmod(i, width), divmod(j, width)
            same = (y - shift) // window == (other_y - shift) // window
            same &= (x_ - shift) // window == (other_x - shift) // window
            if same:
                scores[..., i, j] += layer.bias.table[:, y - other_y + window - 1, x_ - other_x + window - 1]
            else:
                scores[..., i, j] = -torch.inf
    return layer.merge(scores.softmax(-1) @ v).view(-1, height, width, channels)


@torch.no_grad()
@pytest.mark.parametrize("shift", [0, 1, 2])
@pytest.mark.parametrize("resolution", [(6, 6), (9, 6)])
def test_shifted_windows_are_masked_full_attention(resolution: tuple[int, int], shift: int) -> None:
    layer, x = _windowed(resolution, 3, shift), torch.randn(2, *resolution, 8)
    torch.testing.assert_close(layer(x), _masked(layer, x, 3, shift), rtol=1e-4, atol=1e-5)


def test_training_gives_the_same_as_evaluation() -> None:
    layer, x = _windowed((6, 9), 3, 1), torch.randn(3, 6, 9, 8)
    trained = layer(x)
    with torch.no_grad():
        torch.testing.assert_close(layer(x), trained, rtol=1e-4, atol=1e-5)
    trained.sum().backward()
    assert layer.bias.table.grad is not None


@torch.no_grad()
def test_a_window_that_covers_the_map_is_global_attention() -> None:
    layer = _windowed((4, 5), 7, 3)
    whole = RelativeAttention(8, 8, 4, (4, 5))
    whole.load_state_dict(layer.state_dict())
    x = torch.randn(2, 4, 5, 8)
    torch.testing.assert_close(layer(x), whole(x.flatten(1, 2), (4, 5)).view_as(x))


@torch.no_grad()
def test_a_window_that_covers_one_axis_shifts_the_other_only() -> None:
    layer = _windowed((3, 8), 4, 2)
    assert layer.window == (3, 4)
    assert layer.shift == (0, 2)
    assert layer(torch.randn(1, 3, 8, 8)).shape == (1, 3, 8, 8)


@torch.no_grad()
@pytest.mark.parametrize("resolution", [(12, 6), (7, 5)])
def test_a_map_it_was_not_built_for_is_masked_anew(resolution: tuple[int, int]) -> None:
    layer, other = _windowed((6, 6), 3, 1), _windowed(resolution, 3, 1)
    other.load_state_dict(layer.state_dict())
    x = torch.randn(2, *resolution, 8)
    torch.testing.assert_close(layer(x), other(x))


def test_the_mask_is_not_a_weight() -> None:
    assert not any("mask" in name for name in _windowed((6, 6), 3, 1).state_dict())


def test_restore_undoes_partition() -> None:
    x = torch.randn(2, 6, 8, 3)
    windows = partition(x, (3, 4))
    assert windows.shape == (8, 12, 3)
    assert torch.equal(windows[1].view(3, 4, 3), x[0, :3, 4:])
    assert torch.equal(restore(windows, (3, 4), (6, 8)), x)
