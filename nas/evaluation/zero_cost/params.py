"""The number of trainable parameters: the first of two baselines that a score must beat to be worth its time."""

from torch import Tensor

from nas.costs.counts import parameters
from nas.network.build import Network


def params(network: Network, x: Tensor, y: Tensor) -> float:
    """Trainable parameters; images and classes are not looked at."""
    return float(parameters(network))
