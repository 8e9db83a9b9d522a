"""Attention with 2-D relative logits against a naive double loop over positions."""

import torch

from nas.network.blocks.bello import RelativeLogitsAttention


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
