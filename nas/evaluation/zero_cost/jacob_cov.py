"""jacob_cov: how little the images' Jacobians resemble each other, https://arxiv.org/abs/2006.04647v1 (section 3)."""

import torch
from torch import Tensor

from nas.evaluation.zero_cost._base import replica
from nas.network.build import Network

SMALL = 1e-5  # the paper's k: keeps the logarithm of a vanishing eigenvalue finite


def jacob_cov(network: Network, x: Tensor, y: Tensor) -> float:
    """`-sum(log(v + k) + 1 / (v + k))` over the eigenvalues `v` of the correlations between the images' Jacobians.

    An image's Jacobian is the gradient of the sum of its class scores.
    """
    x = x.detach().clone().requires_grad_(True)
    (jacobian,) = torch.autograd.grad(replica(network)(x).sum(), x)
    correlations = torch.corrcoef(jacobian.flatten(1).double())
    if not correlations.isfinite().all():  # an image to which the network is blind
        return float("nan")
    eigenvalues = torch.linalg.eigvalsh(correlations).clamp(min=0) + SMALL
    return float(-(eigenvalues.log() + 1 / eigenvalues).sum())
