"""SNIP and the gradient's norm: two linear layers under a softmax, their gradients derived by hand."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from nas.evaluation.zero_cost.grad_norm import grad_norm
from nas.evaluation.zero_cost.snip import snip

X = np.array([[1.0, -2.0], [0.5, 1.0], [-1.0, 0.0]])
Y = np.array([0, 1, 1])
FIRST = np.array([[1.0, -0.5], [0.25, 2.0]])
SECOND = np.array([[0.5, -1.0], [1.5, 0.75]])


def _network() -> Any:
    network = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    for layer, weight in zip(network, (FIRST, SECOND), strict=True):
        layer.weight.data = torch.tensor(weight, dtype=torch.float32)
        nn.init.zeros_(layer.bias)
    return network


def _gradients() -> tuple[np.ndarray, np.ndarray]:
    """Of the mean cross-entropy: `(softmax - one_hot) / n` goes back through the second layer to the first."""
    hidden = X @ FIRST.T
    scores = hidden @ SECOND.T
    shares = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    error = (shares - np.eye(2)[Y]) / len(X)
    return (error @ SECOND).T @ X, error.T @ hidden


def _batch() -> tuple[torch.Tensor, torch.Tensor]:
    return torch.tensor(X, dtype=torch.float32), torch.tensor(Y)


def test_snip_sums_weight_times_gradient() -> None:
    first, second = _gradients()
    assert snip(_network(), *_batch()) == pytest.approx(abs(FIRST * first).sum() + abs(SECOND * second).sum())


def test_grad_norm_sums_the_layers_norms() -> None:
    first, second = _gradients()
    assert grad_norm(_network(), *_batch()) == pytest.approx((first**2).sum() ** 0.5 + (second**2).sum() ** 0.5)
