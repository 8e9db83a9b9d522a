"""The two baselines that a score must beat to be worth its time. Neither looks at images or targets."""

from nas.costs.counts import counts, parameters
from nas.evaluation.zero_cost import Sample
from nas.network.build import Network

__all__ = ["macs", "params"]


def params(network: Network, _: Sample) -> float:
    """The number of trainable parameters."""
    return float(parameters(network))


def macs(network: Network, _: Sample) -> float:
    """Multiply-adds for one image of the architecture's resolution."""
    return float(sum(count.macs for count in counts(network.architecture)))
