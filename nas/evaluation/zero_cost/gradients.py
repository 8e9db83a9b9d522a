"""Scores from the gradients of one batch, by the weights or, for jacob_cov, by the images."""

import torch

from nas.evaluation.zero_cost import Sample, gradients, replica
from nas.network.build import Network

__all__ = ["grad_norm", "jacob_cov", "snip"]
SMALL = 1e-5  # the k of jacob_cov's paper: keeps the logarithm of a vanishing eigenvalue finite


def grad_norm(network: Network, sample: Sample) -> float:
    """Sum over the layers of the Euclidean norms of their weights' gradients (arXiv:2101.08134, section 3)."""
    return float(sum(gradient.norm() for _, gradient in gradients(network, sample)))


def snip(network: Network, sample: Sample) -> float:
    """Sum of `|weight * gradient|`: to first order, the change of the loss without each weight alone.

    SNIP (arXiv:1810.02340, section 4), summed over a network as in arXiv:2101.08134.
    """
    found = gradients(network, sample)
    return float(sum((weight.detach() * gradient).abs().sum() for weight, gradient in found))


def jacob_cov(network: Network, sample: Sample) -> float:
    """`-sum(log(v + k) + 1 / (v + k))` over the eigenvalues `v` of the correlations between the images' Jacobians.

    High where the Jacobians differ (arXiv:2006.04647v1, section 3). An image's Jacobian is the
    gradient of the sum of its outputs.
    """
    x = sample.x.detach().clone().requires_grad_(True)
    (jacobian,) = torch.autograd.grad(replica(network)(x).sum(), x)
    correlations = torch.corrcoef(jacobian.flatten(1).double())
    if not correlations.isfinite().all():  # an image that the output does not depend on
        return float("nan")
    eigenvalues = torch.linalg.eigvalsh(correlations).clamp(min=0) + SMALL
    return float(-(eigenvalues.log() + 1 / eigenvalues).sum())
