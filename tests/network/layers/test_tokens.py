"""Absolute positions: distinct, fixed or trained, for any map."""

import pytest
import torch

from nas.network.layers.tokens import LearnedPositions, SinusoidalPositions, resize_positions, sinusoids


def test_sines_and_cosines_of_row_and_column() -> None:
    table = sinusoids(8, (3, 5))
    assert table.shape == (8, 3, 5)
    for y in range(3):
        for x in range(5):
            row = [y, y / 100]
            column = [x, x / 100]
            expected = torch.tensor([row, row, column, column])
            expected = torch.stack([expected[0].sin(), expected[1].cos(), expected[2].sin(), expected[3].cos()])
            torch.testing.assert_close(table[:, y, x], expected.flatten())


def test_every_place_differs() -> None:
    places = sinusoids(16, (14, 14)).flatten(1).T
    assert torch.cdist(places, places).fill_diagonal_(1).min() > 0.01


def test_sinusoids_are_no_weights_and_leave_a_token_alone() -> None:
    layer, token = SinusoidalPositions(8, (3, 3)), torch.randn(2, 1, 8)
    assert not list(layer.parameters())
    x, same = layer(torch.zeros(2, 8, 4, 5), token)
    torch.testing.assert_close(x[1], sinusoids(8, (4, 5)))
    assert same is token


def test_learned_positions_have_one_for_the_token() -> None:
    layer = LearnedPositions(8, (2, 3), token=True)
    x, token = layer(torch.zeros(1, 8, 2, 3), torch.zeros(1, 1, 8))
    assert torch.equal(x[0], layer.map)
    assert torch.equal(token[0, 0], layer.token)
    assert sum(p.numel() for p in layer.parameters()) == (2 * 3 + 1) * 8
    assert LearnedPositions(8, (2, 3), token=False).token is None


def test_an_embedding_of_the_same_size_is_left_alone() -> None:
    table = torch.randn(2, 5, 7)
    torch.testing.assert_close(resize_positions(table, (5, 7)), table)


def test_a_constant_embedding_stays_constant() -> None:
    assert torch.allclose(resize_positions(torch.full((2, 4, 4), 3.0), (7, 3)), torch.tensor(3.0))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("positions", [LearnedPositions(8, (4, 4), token=False), SinusoidalPositions(8, (4, 4))])
def test_positions_of_half_the_precision_suit_another_map(
    positions: LearnedPositions | SinusoidalPositions, dtype: torch.dtype
) -> None:
    x = torch.randn(1, 8, 7, 3)
    expected, _ = positions.float()(x)
    found, _ = positions.to(dtype)(x.to(dtype))
    assert found.dtype == dtype
    torch.testing.assert_close(found.float(), expected, atol=0.05, rtol=0.02)
