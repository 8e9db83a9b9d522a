"""The number of trainable parameters: the first of two baselines that a score must beat to be worth its time."""

from torch import Tensor

from nas.cost import parameters
from nas.network import Network


def params(network: Network, x: Tensor, y: Tensor) -> float:
    """Trainable parameters; images and classes are not looked at."""
    return float(parameters(network))
