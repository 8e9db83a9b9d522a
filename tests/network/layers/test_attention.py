"""One function, several formulations: they must agree, forward and backward."""

import pytest
import torch
from torch import Tensor

from nas.network.layers.attention import RelativeAttention, attend
from nas.network.layers.tokens import to_tokens

BATCH, HEADS, TOKENS, DIM = 6, 2, 5, 4


def _tensors() -> list[Tensor]:
    rng = torch.Generator().manual_seed(0)
    return [torch.randn(BATCH, HEADS, TOKENS, DIM, generator=rng).requires_grad_() for _ in range(3)]


def _naive(q: Tensor, k: Tensor, v: Tensor, bias: Tensor, scale: float) -> Tensor:
    """Position by position, the groups of the bias taking turns in the batch."""
    out = torch.zeros_like(v)
    for b in range(BATCH):
        for h in range(HEADS):
            for i in range(TOKENS):
                scores = (k[b, h] @ q[b, h, i]) * scale + bias[b % len(bias), h, i]
                out[b, h, i] = scores.softmax(0) @ v[b, h]
    return out


@pytest.mark.parametrize("scale", [None, 0.3])
@pytest.mark.parametrize("groups", [1, 3, BATCH])
def test_trained_and_fused_are_the_definition(groups: int, scale: float | None) -> None:
    q, k, v = _tensors()
    bias = torch.randn(groups, HEADS, TOKENS, TOKENS, requires_grad=True)
    expected = _naive(q, k, v, bias, DIM**-0.5 if scale is None else scale)
    torch.testing.assert_close(attend(q, k, v, bias, scale), expected)
    with torch.no_grad():
        torch.testing.assert_close(attend(q, k, v, bias, scale), expected)


def test_trained_gradients_are_those_of_the_definition() -> None:
    found, expected = _tensors(), _tensors()
    bias = torch.randn(3, HEADS, TOKENS, TOKENS)
    found_bias, expected_bias = bias.clone().requires_grad_(), bias.clone().requires_grad_()
    attend(*found, found_bias).square().sum().backward()
    _naive(*expected, expected_bias, DIM**-0.5).square().sum().backward()
    for a, b in zip([*found, found_bias], [*expected, expected_bias], strict=True):
        torch.testing.assert_close(a.grad, b.grad)


def test_values_may_be_wider_than_keys() -> None:
    q, k, _ = _tensors()
    v = torch.randn(BATCH, HEADS, TOKENS, 7)
    bias = torch.randn(1, HEADS, TOKENS, TOKENS, requires_grad=True)
    trained = attend(q, k, v, bias)
    assert trained.shape == v.shape
    with torch.no_grad():
        torch.testing.assert_close(attend(q, k, v, bias), trained)


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
