"""Measuring for a predictor some whole networks of a space and their blocks.

The cache folder keeps measurements by device, versions, target, setting and space, so that another run or an
interrupted one goes on from there. They are multiples of the reference network's time, which still hold when the
machine proves faster than in its calibration.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from nas import files
from nas.costs.deployment import Deployment
from nas.costs.latency.measure import PRECISION, measure, reference_seconds, time_network
from nas.costs.latency.predictor import Predictor, piece_from_dict, piece_to_dict
from nas.network.architecture import Architecture
from nas.network.pieces import Piece, pieces
from nas.space.grammar import to_dict
from nas.space.space import SearchSpace, draw

NETWORKS = 32
NETWORK_SECONDS, BLOCK_SECONDS = 2.0, 0.4  # at most, for one measurement
Progress = Callable[[int, int], None]
"""Called with the numbers of measured networks and of all."""


def predictor_for(
    space: SearchSpace,
    deployment: Deployment,
    *,
    networks: int | None = None,
    seconds: tuple[float, float] | None = None,
    progress: Progress = lambda done, of: None,
) -> Predictor:
    """Make a predictor for a space on a target of this machine, measuring only networks that the cache lacks.

    `seconds` bounds the time for measuring a network and a block. Raises SettingError when the target is not on this
    machine.
    """
    deployment.check()
    key = {"space": to_dict(space)} | deployment.key()
    ratios = _Ratios.read(key)
    drawn = draw(space, networks or NETWORKS)
    for done, architecture in enumerate(drawn):
        progress(done, len(drawn))
        if architecture.key() not in ratios.networks:
            ratios.measure(architecture, deployment, seconds or (NETWORK_SECONDS, BLOCK_SECONDS))
            ratios.write(key)
    progress(len(drawn), len(drawn))
    unit = _reference_ms(deployment)
    times = tuple((a, unit * ratios.networks[a.key()]) for a in drawn)
    blocks = tuple((piece, unit * ratio) for piece, ratio in ratios.blocks.items())
    return Predictor(deployment.to_dict(), space.name, times, blocks)


@dataclass
class _Ratios:
    """Times as multiples of the reference's, of networks by their keys and of blocks."""

    networks: dict[str, float] = field(default_factory=dict)
    blocks: dict[Piece, float] = field(default_factory=dict)

    @classmethod
    def read(cls, key: Mapping[str, Any]) -> "_Ratios":
        """Read multiples from the cache, or start without any."""
        data = files.recall("ratios", dict(key)) or {"networks": {}, "blocks": []}
        return cls(data["networks"], {piece_from_dict(b): float(b["ratio"]) for b in data["blocks"]})

    def write(self, key: Mapping[str, Any]) -> None:
        """Keep the multiples in the cache."""
        blocks = [{"ratio": ratio} | piece_to_dict(piece) for piece, ratio in self.blocks.items()]
        files.keep("ratios", dict(key), {"networks": self.networks, "blocks": blocks})

    def measure(self, architecture: Architecture, deployment: Deployment, seconds: tuple[float, float]) -> None:
        """Measure a network and its new blocks."""
        for piece in dict.fromkeys(pieces(architecture)):
            if piece not in self.blocks:
                timing = time_network(piece.build(), piece.taken, deployment, PRECISION, seconds[1])
                self.blocks[piece] = timing.median / _reference_ms(deployment)
        found = measure(architecture, deployment, seconds=seconds[0])
        self.networks[architecture.key()] = found.median / _reference_ms(deployment)


def _reference_ms(deployment: Deployment) -> float:
    return 1e3 * reference_seconds(deployment)
