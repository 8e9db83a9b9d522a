"""The stages of random members of a run's space, counted: what a front is held against.

Drawing members needs torch, as blocks say which widths suit them. They are counted once, during the search as a rule,
and kept in the run's folder, so that a later report needs none.
"""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass

from pydantic import TypeAdapter

from nas.errors import RunError
from nas.network.architecture import Architecture
from nas.record.run import Run
from nas.space.space import draw

FILE = "members.json"
DRAWN = 1000
"""Random members of a space, or all of a smaller one: their shares are then known to within three points."""


@dataclass(frozen=True)
class StageCounts:
    """How many networks have each block, depth and width at one stage; those that end before it have none."""

    blocks: dict[str, int]
    depths: dict[int, int]
    widths: dict[int, int]


@dataclass(frozen=True)
class Counts:
    """A number of networks, and what they have at each stage, from image to classes."""

    networks: int
    stages: tuple[StageCounts, ...]


def counted(networks: Sequence[Architecture]) -> Counts:
    """Count the blocks, depths and widths of networks by stage."""
    most = max((len(network.stages) for network in networks), default=0)
    at = [[network.stages[i] for network in networks if len(network.stages) > i] for i in range(most)]
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
        return _read(run, facts)
    found = counted(draw(run.space, min(DRAWN, run.space.size())))
    with suppress(RunError):  # a folder that may only be read: they are drawn again next time
        run.write_facts(FILE, asdict(found))
    return found


def _read(run: Run, facts: object) -> Counts:
    try:
        return TypeAdapter(Counts).validate_python(facts)
    except ValueError:
        raise RunError(f"{run.folder / FILE}: damaged; restore it, or delete it") from None
