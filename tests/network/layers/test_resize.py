"""Resizing keeps what it must: the same size unchanged, the ends of offset tables, a slope a slope."""

import torch

from nas.network.layers.resize import resize_bias, resize_offsets, resize_positions


def test_the_same_size_is_left_alone() -> None:
    table = torch.randn(2, 5, 7)
    torch.testing.assert_close(resize_bias(table, (5, 7)), table)
    torch.testing.assert_close(resize_positions(table, (5, 7)), table)
    torch.testing.assert_close(resize_offsets(table[0], 5), table[0])


def test_the_longest_offsets_and_none_keep_their_values() -> None:
    table = torch.randn(3, 5, 9)
    larger = resize_bias(table, (9, 17))
    torch.testing.assert_close(larger[:, [0, 4, 8]][:, :, [0, 8, 16]], table[:, [0, 2, 4]][:, :, [0, 4, 8]])
    offsets = torch.randn(5, 3)
    torch.testing.assert_close(resize_offsets(offsets, 9)[[0, 4, 8]], offsets[[0, 2, 4]])


def test_a_constant_embedding_stays_constant() -> None:
    assert torch.allclose(resize_positions(torch.full((2, 4, 4), 3.0), (7, 3)), torch.tensor(3.0))
