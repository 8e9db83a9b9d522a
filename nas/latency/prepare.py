"""Measuring what a predictor needs: some whole networks of a space and the blocks they are made of.

What was measured is kept in the user's cache folder, by device, versions, target, setting and space, so that the next
run, or one that was interrupted, goes on from there.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nas.architecture import Architecture
from nas.grammar import to_dict
from nas.latency import cache
from nas.latency.deployment import Deployment
from nas.latency.measure import PRECISION, measure, reference_seconds, time_network
from nas.latency.predictor import Predictor, piece_from_dict, piece_to_dict
from nas.pieces import Piece, pieces
from nas.space import SearchSpace

NETWORKS = 32
NETWORK_SECONDS, BLOCK_SECONDS = 2.0, 0.4  # the longest for one measurement
Progress = Callable[[int, int], None]
"""Is told how many networks are measured, of how many."""


def predictor_for(
    space: SearchSpace,
    deployment: Deployment,
    *,
    networks: int | None = None,
    seconds: tuple[float, float] | None = None,
    progress: Progress = lambda done, of: None,
) -> Predictor:
    """A predictor for a space on a target of this machine; measures what the cache does not hold yet.

    `seconds` are the longest for measuring a network and a block.

    Raises SettingError when the target is not here.
    """
    deployment.check()
    key = {"space": to_dict(space)} | deployment.key()
    known = _Known.read(key, reference_seconds(deployment))
    drawn = draw(space, networks or NETWORKS)
    for done, architecture in enumerate(drawn):
        progress(done, len(drawn))
        if architecture.key() not in known.networks:
            known.measure(architecture, deployment, seconds or (NETWORK_SECONDS, BLOCK_SECONDS))
            known.write(key, reference_seconds(deployment))
    progress(len(drawn), len(drawn))
    times = tuple((a, known.networks[a.key()]) for a in drawn)
    return Predictor(deployment.to_dict(), space.name, times, tuple(known.blocks.items()))


def draw(space: SearchSpace, count: int, seed: int = 0) -> list[Architecture]:
    """So many different random networks of a space, or all when it has fewer; always the same ones."""
    rng, found = np.random.default_rng(seed), dict[str, Architecture]()
    for _ in range(50 * count):
        architecture = space.sample(rng)[1]
        found.setdefault(architecture.key(), architecture)
        if len(found) == count:
            break
    return list(found.values())


@dataclass
class _Known:
    """What was measured: milliseconds of networks by their keys, and of blocks."""

    networks: dict[str, float] = field(default_factory=dict)
    blocks: dict[Piece, float] = field(default_factory=dict)

    @classmethod
    def read(cls, key: Mapping[str, Any], reference: float) -> "_Known":
        """What the cache holds, in proportion to what the reference is now known to take at its best."""
        data = cache.read("latency", dict(key)) or {"networks": {}, "blocks": [], "reference": reference}
        scale = reference / data["reference"]
        networks = {name: scale * ms for name, ms in data["networks"].items()}
        return cls(networks, {piece_from_dict(b): scale * float(b["ms"]) for b in data["blocks"]})

    def write(self, key: Mapping[str, Any], reference: float) -> None:
        """Keep it for the next run."""
        blocks = [{"ms": ms} | piece_to_dict(piece) for piece, ms in self.blocks.items()]
        cache.write("latency", dict(key), {"networks": self.networks, "blocks": blocks, "reference": reference})

    def measure(self, architecture: Architecture, deployment: Deployment, seconds: tuple[float, float]) -> None:
        """A network, and those of its blocks that are new."""
        for piece in dict.fromkeys(pieces(architecture)):
            if piece not in self.blocks:
                timing = time_network(piece.build(), piece.shape, deployment, PRECISION, seconds[1])
                self.blocks[piece] = timing.median
        self.networks[architecture.key()] = measure(architecture, deployment, seconds=seconds[0]).median
