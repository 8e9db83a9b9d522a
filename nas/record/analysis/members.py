"""The stages of random members of a run's space, counted: what a front is held against.

Drawing members needs torch, as blocks say which widths suit them. They are counted once, during the search as a rule,
and kept in the run's folder, so that a later report needs none.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass

from pydantic import TypeAdapter

from nas.errors import RunError
from nas.network.architecture import StageSpec
from nas.record.folders import damaged
from nas.record.run import Run
from nas.space.space import draw_points, placed

FILE = "members.json"
DRAWN = 1000
"""Random members of a space, or all of a smaller one: their shares are then known to within three points."""


@dataclass(frozen=True)
class StageCounts:
    """How many networks have each block, depth and width at one stage; those that leave it out have none."""

    blocks: dict[str, int]
    depths: dict[int, int]
    widths: dict[int, int]


@dataclass(frozen=True)
class Counts:
    """A number of networks, and what they have at each stage of the space, from image to classes."""

    networks: int
    stages: tuple[StageCounts, ...]


def counted(networks: Sequence[Mapping[int, StageSpec]]) -> Counts:
    """Count the blocks, depths and widths of networks, each given as its stages by their numbers in the space."""
    most = max((max(network) + 1 for network in networks), default=0)
    at = [[network[i] for network in networks if i in network] for i in range(most)]
    return Counts(
        len(networks),
        tuple(
            StageCounts(
                dict(Counter(stage.block for stage in stages)),
                dict(sorted(Counter(stage.depth for stage in stages).items())),
                dict(sorted(Counter(stage.width for stage in stages).items())),
            )
            for stages in at
        ),
    )


def members(run: Run) -> Counts:
    """Return the counts of random members of a run's space, whatever they cost, kept in its folder if it can be.

    Raises RunError for a damaged file.
    """
    if facts := run.facts(FILE):
        kept = _read(run, facts)
        if facts.get("placed") or all(sum(stage.blocks.values()) == kept.networks for stage in kept.stages):
            return kept  # older ones numbered stages without those that were left out
    space = run.space
    found = counted([placed(*point) for point in draw_points(space, min(DRAWN, space.size()))])
    with suppress(RunError):  # a folder that may only be read: they are drawn again next time
        run.write_facts(FILE, asdict(found) | {"placed": True})
    return found


def _read(run: Run, facts: object) -> Counts:
    try:
        return TypeAdapter(Counts).validate_python(facts)
    except ValueError:
        raise damaged(run.folder / FILE) from None
