"""How a search spent its time: its trainings side by side, and the seconds of each kind of work."""

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from nas.record.run import Run
from nas.record.trial import Further, Trial

Cause = Literal["new", "on", "again", "ended early"]
"""Why there was a training: a new network, one that went on to a longer training, one from another seed; or it failed
or was rejected."""
PHASES = {"build": "building networks", "measure": "measuring", "score": "zero-cost scores", "train": "training"}
TRACE = 0.0005  # of the time, below which a kind of work is not worth a line
ROUNDED = 0.01  # seconds, by which a training may seem to begin before the one that it followed
WAITED = ("waiting for the first training", BETWEEN := "waiting between trainings", "waiting after the last training")
FURTHER = {"on": "training on, to a higher rung", "again": "training again, from other seeds"}


@dataclass(frozen=True)
class Stint:
    """A training between two times in seconds of the search's clock, in a lane of its own among those beside it.

    With a `count` above 1 it stands for so many, one after the other, of which `trial` is the first.
    """

    trial: int
    cause: Cause
    start: float
    end: float
    lane: int
    count: int = 1


def stints(run: Run) -> list[Stint]:
    """Return a run's trainings in the order in which they began, in as few lanes as they take side by side.

    A record does not say which worker trained a network, but how long it took and when it ended. So a training goes
    to the lane that became free last before it began. A record of an earlier version, without ends, has none.
    """
    timed = [one for one in run.trainings if one.ended]
    spans = sorted(((one.ended - one.outcome.took, one.ended, one) for one in timed), key=lambda s: s[:2])
    lanes: list[tuple[float, int]] = []  # when each is free, and its number; the soonest first
    found = []
    for start, end, one in spans:
        idle = bisect_right(lanes, (start + ROUNDED, len(lanes)))
        lane = lanes.pop(idle - 1)[1] if idle else len(lanes)
        insort(lanes, (end, lane))
        found.append(Stint(_trial(one), _cause(one), max(start, 0.0), end, lane))
    return found


def joined(side_by_side: Sequence[Stint], gap: float) -> list[Stint]:
    """Join trainings for one cause that follow one another in a lane after at most `gap` seconds."""
    last: dict[int, int] = {}
    found: list[Stint] = []
    for stint in side_by_side:
        before = found[last[stint.lane]] if stint.lane in last else None
        if before and before.cause == stint.cause and stint.start - before.end <= gap:
            found[last[stint.lane]] = replace(before, end=stint.end, count=before.count + stint.count)
        else:
            last[stint.lane] = len(found)
            found.append(stint)
    return found


def _trial(one: Trial | Further) -> int:
    return one.number if isinstance(one, Trial) else one.trial


def _cause(one: Trial | Further) -> Cause:
    if one.outcome.state != "complete":
        return "ended early"
    if isinstance(one, Trial):
        return "new"
    return "again" if one.repeat else "on"


@dataclass(frozen=True)
class Spent:
    """The seconds of workers that went into one kind of work, and their share of all."""

    what: str
    seconds: float
    share: float


def spent(run: Run, side_by_side: Sequence[Stint]) -> list[Spent]:
    """Share out the time of all workers among kinds of work, the largest first, and at last what they waited.

    They waited before the first training of a start, between two for proposals, records and each other's measurements,
    and after their last one for the others and the report.
    """
    seconds: dict[str, float] = defaultdict(float)
    for one in run.trainings:
        again = None if isinstance(one, Trial) else FURTHER["again" if one.repeat else "on"]
        for step, took in one.outcome.seconds.items():
            seconds[again if again and step == "train" else PHASES.get(step, step)] += took
    waited = _waited(run, side_by_side)
    whole = sum(seconds.values()) + sum(waited.values()) or 1.0
    found = [Spent(what, took, took / whole) for what, took in seconds.items() if took >= TRACE * whole]
    found.sort(key=lambda one: -one.seconds)
    return [*found, *(Spent(when, took, took / whole) for when, took in waited.items())]


def _waited(run: Run, side_by_side: Sequence[Stint]) -> dict[str, float]:
    """Return the seconds in which lanes were empty, by when they were.

    Each start has the lanes that its trainings took, as it may have had other workers than the one before.
    """
    if not side_by_side:
        return {}
    later = [start["elapsed"] for start in run.environment.get("starts", ()) if "elapsed" in start]
    waited = [
        _empty([one for one in side_by_side if begun < one.end <= ended], begun, ended)
        for begun, ended in pairwise([0.0, *later, run.elapsed])
    ]
    return dict(zip(WAITED, map(sum, zip(*waited, strict=True)), strict=True))


def _empty(side_by_side: Sequence[Stint], begun: float, ended: float) -> tuple[float, float, float]:
    """Return the seconds in which lanes were empty between two times: at first, between trainings, and at last."""
    free: dict[int, float] = {}
    before = between = 0.0
    for stint in sorted(side_by_side, key=lambda one: one.start):
        if stint.lane in free:
            between += max(stint.start - free[stint.lane], 0.0)
        else:
            before += max(stint.start - begun, 0.0)
        free[stint.lane] = stint.end
    return before, between, sum(max(ended - end, 0.0) for end in free.values())
