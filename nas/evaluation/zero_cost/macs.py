"""Multiply-adds for one image: the second of two baselines that a score must beat to be worth its time."""

from torch import Tensor

from nas.costs.counts import cost
from nas.network.build import Network


def macs(network: Network, x: Tensor, y: Tensor) -> float:
    """Multiply-adds for one image of the architecture's resolution; images and classes are not looked at."""
    return float(cost(network.architecture).macs)
