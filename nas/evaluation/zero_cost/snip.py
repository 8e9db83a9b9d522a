"""SNIP, https://arxiv.org/abs/1810.02340 (section 4), summed over a network as in https://arxiv.org/abs/2101.08134."""

from torch import Tensor

from nas.evaluation.zero_cost._base import gradients
from nas.network.build import Network


def snip(network: Network, x: Tensor, y: Tensor) -> float:
    """Sum of `|weight * gradient|`: to first order, what the loss would change by without each weight alone."""
    return float(sum((weight.detach() * gradient).abs().sum() for weight, gradient in gradients(network, x, y)))
