"""The attention of Bello et al. and of Shaw et al. against naive double loops over positions."""

import pytest
import torch

from nas.network.blocks.relative_attention import RelationAwareAttention, RelativeLogitsAttention


@torch.no_grad()
def test_logits_are_content_rows_and_columns_scaled_together() -> None:
    height, width = 3, 4
    attention = RelativeLogitsAttention(8, 4, (height, width))
    x = torch.randn(2, height * width, 8)
    q, k, v = attention.split(x)
    scores = torch.zeros(2, 2, height * width, height * width)
    for i in range(height * width):
        for j in range(height * width):
            row = attention.logits.rows[j // width - i // width + height - 1]
            column = attention.logits.columns[j % width - i % width + width - 1]
            scores[..., i, j] = (q[:, :, i] * (k[:, :, j] + row + column)).sum(-1) * 4**-0.5
    expected = attention.merge(scores.softmax(-1) @ v)
    torch.testing.assert_close(attention(x, (height, width)), expected)


def test_training_gives_the_same_as_evaluation() -> None:
    attention = RelativeLogitsAttention(8, 4, (3, 4))
    x = torch.randn(2, 12, 8)
    trained = attention(x, (3, 4))
    with torch.no_grad():
        torch.testing.assert_close(attention(x, (3, 4)), trained)


@torch.no_grad()
@pytest.mark.parametrize("tokens", [1, 2, 6])
@pytest.mark.parametrize("distance", [1, 2, 5, 9])
def test_each_pair_meets_the_vectors_of_its_clipped_distance(tokens: int, distance: int) -> None:
    attention = RelationAwareAttention(8, 4, distance)
    x = torch.randn(3, tokens, 8)
    q, k, v = attention.split(x)
    mixed = torch.zeros_like(v)
    for i in range(tokens):
        offsets = [min(max(j - i, -distance), distance) + distance for j in range(tokens)]
        scores = torch.stack([(q[:, :, i] * (k[:, :, j] + attention.keys[offsets[j]])).sum(-1) for j in range(tokens)])
        weights = (scores * 4**-0.5).softmax(0)
        for j in range(tokens):
            mixed[:, :, i] += weights[j][..., None] * (v[:, :, j] + attention.values[offsets[j]])
    torch.testing.assert_close(attention(x), attention.merge(mixed))


def test_gradients_are_those_of_the_loop() -> None:
    attention = RelationAwareAttention(4, 4, 2)
    x = torch.randn(1, 5, 4)
    attention(x).square().sum().backward()
    found = attention.keys.grad, attention.values.grad
    attention.zero_grad()
    q, k, v = attention.split(x)
    offset = (torch.arange(5) - torch.arange(5)[:, None]).clamp(-2, 2) + 2
    scores = torch.einsum("bhid,bhijd->bhij", q, k[:, :, None] + attention.keys[offset]) / 2
    mixed = torch.einsum("bhij,bhijd->bhid", scores.softmax(-1), v[:, :, None] + attention.values[offset])
    attention.merge(mixed).square().sum().backward()
    torch.testing.assert_close(found, (attention.keys.grad, attention.values.grad))


def test_two_tables_that_all_heads_share() -> None:
    attention = RelationAwareAttention(16, 4, 3)
    assert attention.keys.shape == attention.values.shape == (2 * 3 + 1, 4)
