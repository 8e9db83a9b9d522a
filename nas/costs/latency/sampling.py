"""Measuring for a predictor some whole networks of a space and their blocks, all side by side.

The cache folder keeps measurements by device, versions, source of the package, target and setting, whatever space or
data they were made for, so that another run goes on from there. They are multiples of the reference network's time,
which still hold when the machine proves faster than in its calibration. What is measured of kinds from outside the
package, or on a target from outside, is not kept, as their source may change unseen.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from nas import files
from nas.costs.counts import count
from nas.costs.deployment import Deployment
from nas.costs.kept_counts import lasting
from nas.costs.latency import read_time
from nas.costs.latency.measure import reference_seconds, time_side_by_side
from nas.costs.latency.predictor import Predictor, piece_from_dict, piece_to_dict
from nas.costs.latency.regression import check_number
from nas.network.architecture import Architecture
from nas.network.pieces import Piece, pieces
from nas.space.space import SearchSpace, draw

NETWORKS = 40
SECONDS = 1.0  # for a network with its blocks, after which no further round begins
ROUNDS = 15
AT_ONCE = 50_000_000  # parameters of the networks that are in memory side by side
OnProgress = Callable[[int, int], None]
"""Called with the numbers of measured networks and of all."""


def predictor_for(
    space: SearchSpace,
    deployment: Deployment,
    *,
    networks: int | None = None,
    rounds: int | None = None,
    progress: OnProgress = lambda done, of: None,
) -> Predictor:
    """Make a predictor for a space on a target of this machine, measuring only networks that the cache lacks.

    Each is measured in so many rounds. Raises SettingError when the target is not on this machine, and for fewer than
    eight networks, from which others cannot be predicted.
    """
    deployment.check()
    drawn = draw(space, networks or NETWORKS)
    check_number(len(drawn))
    ratios = _Ratios.read(deployment)
    progress(0, len(drawn))
    missing = [architecture for architecture in drawn if not ratios.hold(architecture)]
    for some in _groups(missing):
        done = sum(map(ratios.hold, drawn))
        told = partial(_tell, progress, done, len(some), len(drawn))
        ratios.measure(some, deployment, rounds or ROUNDS, told)
        ratios.write(deployment)
    progress(len(drawn), len(drawn))
    unit = 1e3 * reference_seconds(deployment)
    times = tuple((a, unit * ratios.networks[a.key()]) for a in drawn)
    blocks = tuple((piece, unit * ratios.blocks[piece]) for piece in _pieces(drawn))
    return Predictor(deployment.to_dict(), space.name, times, blocks)


def _tell(progress: OnProgress, done: int, some: int, of: int, share: float) -> None:
    progress(done + int(share * some), of)


def _pieces(architectures: Sequence[Architecture]) -> list[Piece]:
    return list(dict.fromkeys(piece for architecture in architectures for piece in pieces(architecture)))


def _groups(architectures: Sequence[Architecture]) -> Iterator[list[Architecture]]:
    """Yield networks that may be in memory at once, beside one another's blocks."""
    group: list[Architecture] = []
    size = 0
    for architecture in architectures:
        own = sum(count(piece).params for piece in pieces(architecture))
        if group and size + own > AT_ONCE:
            yield group
            group, size = [], 0
        group.append(architecture)
        size += own
    if group:
        yield group


@dataclass
class _Ratios:
    """Times as multiples of the reference's, of networks by their keys and of blocks. The `passing` are not kept."""

    networks: dict[str, float] = field(default_factory=dict)
    blocks: dict[Piece, float] = field(default_factory=dict)
    passing: set[str] = field(default_factory=set)

    @classmethod
    def read(cls, deployment: Deployment) -> "_Ratios":
        """Read multiples from the cache, or start without any where there are none or they are damaged."""
        data = (deployment.lasting and files.recall("ratios", deployment.key())) or {}
        try:
            networks = {name: read_time(ratio) for name, ratio in data["networks"].items()}
            return cls(networks, {piece_from_dict(b): read_time(b["ratio"]) for b in data["blocks"]})
        except (KeyError, TypeError, ValueError, AttributeError):
            return cls()

    def hold(self, architecture: Architecture) -> bool:
        """Tell whether a network and all its blocks are measured."""
        return architecture.key() in self.networks and all(piece in self.blocks for piece in pieces(architecture))

    def write(self, deployment: Deployment) -> None:
        """Keep the multiples in the cache, beside those that other searches kept meanwhile."""
        if not deployment.lasting:
            return
        kept = self.read(deployment)
        networks = {name: ratio for name, ratio in self.networks.items() if name not in self.passing}
        blocks = {piece: ratio for piece, ratio in self.blocks.items() if lasting(piece)}
        plain = [{"ratio": ratio} | piece_to_dict(piece) for piece, ratio in (kept.blocks | blocks).items()]
        files.keep("ratios", deployment.key(), {"networks": kept.networks | networks, "blocks": plain})

    def measure(
        self, some: Sequence[Architecture], deployment: Deployment, rounds: int, told: Callable[[float], None]
    ) -> None:
        """Measure networks and their new blocks side by side, telling the share that is done."""
        new = [piece for piece in _pieces(some) if piece not in self.blocks]
        modules = [(piece.build(), piece.taken) for piece in new]
        found = time_side_by_side(some, modules, deployment, rounds, SECONDS * len(some), told)
        self.networks |= {a.key(): ratio for a, ratio in zip(some, found, strict=False)}
        self.passing |= {a.key() for a in some if not all(map(lasting, pieces(a)))}
        self.blocks |= dict(zip(new, found[len(some) :], strict=True))
