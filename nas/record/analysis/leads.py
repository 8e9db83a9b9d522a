"""Where along an objective the median front of one side is ahead of the others'."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from nas.evaluation import units
from nas.evaluation.catalogue import objective
from nas.record.analysis.growth import Floats

MOST = 6  # ranges in a sentence


@dataclass(frozen=True)
class Lead:
    """A range of the last of two objectives in which the median front of one side, or of none, is ahead."""

    side: str
    low: float
    high: float


def leads_of(fronts: Sequence[tuple[str, Floats]], sign: float) -> list[Lead]:
    """Walk the second losses of all fronts upwards and note whose first loss is the least so far."""
    stops = np.unique(np.concatenate([front[:, 1] for _, front in fronts]))
    found: list[Lead] = []
    for at, until in zip(stops, [*stops[1:], stops[-1]], strict=True):
        best = [front[front[:, 1] <= at, 0].min(initial=np.inf) for _, front in fronts]
        ahead = [name for (name, _), loss in zip(fronts, best, strict=True) if loss == min(best)]
        side = ahead[0] if len(ahead) == 1 else ""
        if found and found[-1].side == side:
            found[-1] = Lead(side, found[-1].low, float(until))
        else:
            found.append(Lead(side, float(at), float(until)))
    return [Lead(lead.side, *sorted((sign * lead.low, sign * lead.high))) for lead in found]


def where_ahead(leads: Sequence[Lead], objectives: Sequence[str], unsure: Collection[str] = ()) -> str:
    """Say who is ahead in the first objective, range by range of the second, and for which sides that may be chance."""
    first, second = objectives
    ends = [f"{units.show(second, lead.low)} to {units.show(second, lead.high)}" for lead in leads[:-1]]
    last = leads[-1]  # goes on beyond the last network
    down = objective(second).goal == "maximize"
    ends.append(f"{units.show(second, last.high)} down" if down else f"{units.show(second, last.low)} on")
    parts = [
        f"{'perhaps by chance ' if lead.side in unsure else ''}{lead.side or 'none'} from {end}"
        for lead, end in zip(leads, ends, strict=True)
    ]
    more = "; and so on" if len(parts) > MOST else ""
    return f"Ahead in {units.words(first)}, by {units.words(second)}: {'; '.join(parts[:MOST])}{more}."


def changes(leads: Sequence[Lead], objectives: Sequence[str]) -> str:
    """Say how often the lead in the first objective changes along the second, without a full stop."""
    first, second = map(units.words, objectives)
    sides = [lead.side for lead in leads if lead.side]
    count = sum(one != other for one, other in pairwise(sides))
    often = f"changes {count} times" if count > 1 else "changes once" if count else f"is with {sides[0]} throughout"
    return f"The lead in {first} along {second} {often}"
