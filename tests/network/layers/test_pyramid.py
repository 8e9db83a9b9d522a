"""Maps are merged from coarse to fine, and padding is what lies beyond the edge."""

import torch
from torch.nn import functional as F

from nas.network.layers.pyramid import Pyramid


def slow(pyramid: Pyramid, maps: list[torch.Tensor]) -> list[torch.Tensor]:
    made = [maps[-1]]
    for level in reversed(range(len(maps) - 1)):
        rows, columns = maps[level].shape[2:]
        coarse = torch.stack([made[0][:, :, i * made[0].shape[2] // rows] for i in range(rows)], 2)
        coarse = torch.stack([coarse[..., i * coarse.shape[3] // columns] for i in range(columns)], 3)
        conv, norm, _ = pyramid.smooth[level]
        x = F.conv2d(maps[level] + coarse, conv.weight, padding=1)
        made.insert(0, F.batch_norm(x, norm.running_mean, norm.running_var, norm.weight, norm.bias).relu())
    return made


@torch.no_grad()
def test_each_map_is_added_to_the_finer_one_and_smoothed() -> None:
    torch.manual_seed(0)
    pyramid = Pyramid(6, 3).eval()
    maps = [torch.randn(2, 6, 13, 9), torch.randn(2, 6, 7, 5), torch.randn(2, 6, 4, 3)]
    for found, expected in zip(pyramid(maps, []), slow(pyramid, maps), strict=True):
        torch.testing.assert_close(found, expected)


@torch.no_grad()
def test_one_map_is_left_as_it_is() -> None:
    x = torch.randn(2, 6, 4, 3)
    assert Pyramid(6, 1)([x], [])[0] is x


@torch.no_grad()
def test_a_padded_map_equals_the_one_without_padding() -> None:
    torch.manual_seed(0)
    pyramid = Pyramid(6, 2).eval()
    maps = [torch.randn(1, 6, 8, 8), torch.randn(1, 6, 4, 4)]
    paddings = [torch.zeros(1, side, side, dtype=torch.bool) for side in (8, 4)]
    paddings[0][:, 5:], paddings[1][:, 3:] = True, True
    alone = pyramid([maps[0][:, :, :5], maps[1][:, :, :3]], [])
    torch.testing.assert_close(pyramid(maps, paddings)[0][:, :, :5], alone[0])
