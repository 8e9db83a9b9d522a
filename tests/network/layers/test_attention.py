"""One function, several formulations: they must agree, forward and backward."""

import pytest
import torch
from torch import Tensor

from nas.network.layers.attention import attend

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
