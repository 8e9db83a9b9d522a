"""SNIP and the gradient's norm on two layers whose gradients are derived by hand; jacob_cov on known correlations."""

import math
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from nas.evaluation.zero_cost import Sample
from nas.evaluation.zero_cost.gradients import grad_norm, jacob_cov, snip
from nas.training.catalogue import load_task

X = np.array([[1.0, -2.0], [0.5, 1.0], [-1.0, 0.0]])
Y = np.array([0, 1, 1])
FIRST = np.array([[1.0, -0.5], [0.25, 2.0]])
SECOND = np.array([[0.5, -1.0], [1.5, 0.75]])
K = 1e-5  # of jacob_cov's paper


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


def _sample(x: torch.Tensor, classes: torch.Tensor) -> Sample:
    return Sample(x, classes, load_task("classification").loss)


def _batch() -> Sample:
    return _sample(torch.tensor(X, dtype=torch.float32), torch.tensor(Y))


def _jacob_cov(network: Any, x: torch.Tensor) -> float:
    return jacob_cov(network, _sample(x, torch.tensor([0, 0])))


def test_snip_sums_weight_times_gradient() -> None:
    first, second = _gradients()
    assert snip(_network(), _batch()) == pytest.approx(abs(FIRST * first).sum() + abs(SECOND * second).sum())


def test_grad_norm_sums_the_layers_norms() -> None:
    first, second = _gradients()
    assert grad_norm(_network(), _batch()) == pytest.approx((first**2).sum() ** 0.5 + (second**2).sum() ** 0.5)


def _paper(*eigenvalues: float) -> float:
    return -sum(math.log(v + K) + 1 / (v + K) for v in eigenvalues)


def test_uncorrelated_jacobians_are_the_best() -> None:
    """A ReLU's Jacobians are its codes, here 1001 and 1100: without correlation, so both eigenvalues are 1."""
    network: Any = nn.ReLU()
    x = torch.tensor([[1.0, -1.0, -1.0, 1.0], [1.0, 1.0, -1.0, -1.0]])
    assert _jacob_cov(network, x) == pytest.approx(_paper(1, 1))


def test_partly_correlated_jacobians() -> None:
    """Codes 1110 and 1100: covariance 1/8, variances 3/16 and 1/4, so the correlation is 1 / sqrt(3)."""
    network: Any = nn.ReLU()
    x = torch.tensor([[1.0, 1.0, 1.0, -1.0], [1.0, 1.0, -1.0, -1.0]])
    assert _jacob_cov(network, x) == pytest.approx(_paper(1 + 3**-0.5, 1 - 3**-0.5), rel=1e-5)


def test_a_linear_network_has_one_jacobian_for_all() -> None:
    network: Any = nn.Linear(4, 3)
    assert _jacob_cov(network, torch.randn(5, 4)) == pytest.approx(_paper(5, 0, 0, 0, 0), rel=1e-3)


def test_an_image_to_which_the_network_is_blind_leaves_it_undefined() -> None:
    network: Any = nn.ReLU()
    assert math.isnan(_jacob_cov(network, torch.tensor([[1.0, -1.0], [-1.0, -1.0]])))


NARROW = """
import torch
import nas
from nas.evaluation.scoring import score
from nas.evaluation.zero_cost import Sample
from nas.training.catalogue import load_task
torch.set_num_threads(1)
space = nas.load_space({"name": "narrow", "resolution": 16, "channels": 1, "classes": 10,
                        "stem": {"kind": "conv", "width": 4, "stride": 1},
                        "stages": [{"block": "mbconv", "depth": 1, "width": 4, "stride": 2}], "head": {"kind": "pool"}})
network = nas.build(space.smallest(), seed=0).to(memory_format=torch.channels_last)
x = torch.randn(32, 1, 16, 16).to(memory_format=torch.channels_last)
for _ in range(20):
    score(network, Sample(x, torch.arange(32) % 10, load_task("classification").loss), ("snip", "jacob_cov"))
print("fine")
"""


def test_narrow_strided_networks_are_scored_without_a_crash() -> None:
    """In a process of its own: the strided 1 x 1 convolution of torch 2.13 corrupts its memory on some processors."""
    done = subprocess.run([sys.executable, "-c", NARROW], capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stdout) == (0, "fine\n"), done.stderr
