"""The gradient's norm after one batch, https://arxiv.org/abs/2101.08134 (section 3)."""

from torch import Tensor

from nas.evaluation.zero_cost._base import gradients
from nas.network.build import Network


def grad_norm(network: Network, x: Tensor, y: Tensor) -> float:
    """Sum over the layers of the Euclidean norms of their weights' gradients."""
    return float(sum(gradient.norm() for _, gradient in gradients(network, x, y)))
