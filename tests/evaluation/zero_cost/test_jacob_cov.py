"""jacob_cov: Jacobians whose correlations are known."""

import math
from typing import Any

import pytest
import torch
from torch import nn

from nas.evaluation.zero_cost.jacob_cov import jacob_cov

K = 1e-5
Y = torch.tensor([0, 0])


def _paper(*eigenvalues: float) -> float:
    return -sum(math.log(v + K) + 1 / (v + K) for v in eigenvalues)


def test_uncorrelated_jacobians_are_the_best() -> None:
    """A ReLU's Jacobians are its codes, here 1001 and 1100: without correlation, so both eigenvalues are 1."""
    network: Any = nn.ReLU()
    x = torch.tensor([[1.0, -1.0, -1.0, 1.0], [1.0, 1.0, -1.0, -1.0]])
    assert jacob_cov(network, x, Y) == pytest.approx(_paper(1, 1))


def test_partly_correlated_jacobians() -> None:
    """Codes 1110 and 1100: covariance 1/8, variances 3/16 and 1/4, so the correlation is 1 / sqrt(3)."""
    network: Any = nn.ReLU()
    x = torch.tensor([[1.0, 1.0, 1.0, -1.0], [1.0, 1.0, -1.0, -1.0]])
    assert jacob_cov(network, x, Y) == pytest.approx(_paper(1 + 3**-0.5, 1 - 3**-0.5), rel=1e-5)


def test_a_linear_network_has_one_jacobian_for_all() -> None:
    network: Any = nn.Linear(4, 3)
    assert jacob_cov(network, torch.randn(5, 4), Y) == pytest.approx(_paper(5, 0, 0, 0, 0), rel=1e-3)


def test_an_image_to_which_the_network_is_blind_leaves_it_undefined() -> None:
    network: Any = nn.ReLU()
    assert math.isnan(jacob_cov(network, torch.tensor([[1.0, -1.0], [-1.0, -1.0]]), Y))
