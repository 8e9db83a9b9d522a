"""The scalar bias of each pair of places, against its definition."""

import torch

from nas.network.layers.relative_bias import RelativeBias


def test_each_pair_reads_the_scalar_of_its_offset() -> None:
    height, width, heads = 3, 4, 2
    layer = RelativeBias(heads, (height, width))
    bias = layer((height, width))
    for query in range(height * width):
        for key in range(height * width):
            dy = query // width - key // width
            dx = query % width - key % width
            assert torch.equal(bias[:, query, key], layer.table[:, dy + height - 1, dx + width - 1])


def test_another_map_has_the_resized_table() -> None:
    layer, larger = RelativeBias(2, (3, 4)), RelativeBias(2, (6, 5))
    with torch.no_grad():
        larger.table.copy_(larger.resized("table", layer.table))
    torch.testing.assert_close(layer((6, 5)), larger((6, 5)))


def test_gradients_count_the_pairs_of_an_offset() -> None:
    layer = RelativeBias(1, (2, 3))
    layer((2, 3)).sum().backward()
    expected = torch.outer(torch.tensor([1.0, 2, 1]), torch.tensor([1.0, 2, 3, 2, 1]))
    assert layer.table.grad is not None
    torch.testing.assert_close(layer.table.grad[0], expected)
