"""Biases and logits of each pair of pixels against their definitions, and their tables resized."""

import pytest
import torch
from torch import Tensor

from nas.network.layers.relative import RelativeAttention, RelativeBias, RelativeLogits, resize_bias, resize_offsets
from nas.network.layers.tokens import to_tokens


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


@torch.no_grad()
def test_a_map_of_one_row_or_column_has_the_middle_of_the_table() -> None:
    layer = RelativeBias(1, (4, 4))
    steps = torch.arange(-3.0, 4.0)
    layer.table.copy_(10 * steps[:, None] + steps)
    assert layer((1, 4))[0, 0].tolist() == [0, -1, -2, -3]
    assert layer((4, 1))[0, 0].tolist() == [0, -10, -20, -30]
    assert layer((1, 1)).tolist() == [[[0]]]


def test_gradients_count_the_pairs_of_an_offset() -> None:
    layer = RelativeBias(1, (2, 3))
    layer((2, 3)).sum().backward()
    expected = torch.outer(torch.tensor([1.0, 2, 1]), torch.tensor([1.0, 2, 3, 2, 1]))
    assert layer.table.grad is not None
    torch.testing.assert_close(layer.table.grad[0], expected)


@torch.no_grad()
def test_relative_logits_move_with_their_content() -> None:
    """A patch in an empty map attends itself alike wherever it lies, positions being relative."""
    attention = RelativeAttention(8, 8, 4, (5, 5)).eval()
    attention.bias.table.normal_()
    patch = torch.randn(8, 2, 2)

    def logits(top: int, left: int) -> Tensor:
        image = torch.zeros(1, 8, 5, 5)
        image[0, :, top : top + 2, left : left + 2] = patch
        q, k, _ = attention.split(to_tokens(image))
        scores = (q @ k.transpose(-1, -2) * 4**-0.5 + attention.bias((5, 5))).view(2, 5, 5, 5, 5)
        rows, columns = slice(top, top + 2), slice(left, left + 2)
        return scores[:, rows, columns, rows, columns]

    torch.testing.assert_close(logits(0, 0), logits(3, 2))
    attention.bias.table[:, 4, 4:].normal_()
    assert not torch.allclose(logits(0, 0), logits(0, 0).flip(2, 4)), "left and right differ"


@pytest.mark.parametrize("resolution", [(3, 4), (5, 2), (1, 3), (1, 1)])
def test_each_pair_meets_the_vectors_of_its_offsets(resolution: tuple[int, int]) -> None:
    height, width = resolution
    layer = RelativeLogits(4, resolution)
    q = torch.randn(2, 3, height * width, 4)
    logits = layer(q, resolution)
    for query in range(height * width):
        for key in range(height * width):
            dy = key // width - query // width + height - 1
            dx = key % width - query % width + width - 1
            expected = q[:, :, query] @ (layer.rows[dy] + layer.columns[dx])
            torch.testing.assert_close(logits[:, :, query, key], expected)


def test_another_map_has_the_resized_tables() -> None:
    layer, larger = RelativeLogits(4, (3, 4)), RelativeLogits(4, (5, 6))
    with torch.no_grad():
        larger.rows.copy_(larger.resized("rows", layer.rows))
        larger.columns.copy_(larger.resized("columns", layer.columns))
    q = torch.randn(1, 2, 30, 4)
    torch.testing.assert_close(layer(q, (5, 6)), larger(q, (5, 6)))


def test_a_table_of_the_same_size_is_left_alone() -> None:
    table = torch.randn(2, 5, 7)
    torch.testing.assert_close(resize_bias(table, (5, 7)), table)
    torch.testing.assert_close(resize_offsets(table[0], 5), table[0])


def test_the_longest_offsets_and_none_keep_their_values() -> None:
    table = torch.randn(3, 5, 9)
    larger = resize_bias(table, (9, 17))
    torch.testing.assert_close(larger[:, [0, 4, 8]][:, :, [0, 8, 16]], table[:, [0, 2, 4]][:, :, [0, 4, 8]])
    offsets = torch.randn(5, 3)
    torch.testing.assert_close(resize_offsets(offsets, 9)[[0, 4, 8]], offsets[[0, 2, 4]])
