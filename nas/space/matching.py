"""Where a given network lies in a search space: its decisions there, or those that come nearest to it.

Near means: the same kind, else the offered one that shares most options with it; the same word, else the first;
the number nearest by ratio. Widths and depths are scaled before, each by one factor for all stages: the one that
brings them nearest to what is offered, of equal ones the nearest to 1. So CoAtNet-0's widths 96, 192, 384, 768
keep their shape in a small space. Where the numbers of stages differ, each stage of the space looks at the one
that stands as deep in the network.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import combinations, islice
from math import log
from typing import Any

from nas.errors import SpaceError
from nas.network.architecture import Architecture, Decision
from nas.network.options import Scalar, options_of
from nas.registry import Registry
from nas.space.space import Choose, Decisions, Domain, SearchSpace

Sizes = dict[tuple[str, int, str], float]  # by part, number of the space's stage, and `width` or `depth`
Pick = Callable[[Decision, Decision, Domain], Scalar]
"""Given a decision of the space, the one of the network that it is compared with, and the values to choose from."""
MAX_PAIRINGS = 1000


def locate(space: SearchSpace, architecture: Architecture) -> Decisions:
    """The decisions that give an architecture. Raises SpaceError, naming the first value that differs."""
    reason = ""
    for stages in islice(_pairings(space, len(architecture.stages)), MAX_PAIRINGS):
        offered: dict[str, Domain] = {}
        decisions, found = space.record(_same(architecture, stages, offered))
        difference = _difference(found, architecture, offered)
        if not difference:
            return decisions
        reason = reason or difference
    if not reason:
        count, most = len(architecture.stages), len(space.stages)
        fewest = most - sum(slot.optional for slot in space.stages)
        reason = f"stages: the network has {count}, the space {most if most == fewest else f'{fewest} to {most}'}"
    raise SpaceError(reason)


def nearest(space: SearchSpace, architecture: Architecture) -> Decisions:
    """The decisions that come nearest to an architecture: those that give it, where the space holds it."""
    with suppress(SpaceError):
        return locate(space, architecture)
    fewest = max(sum(not slot.optional for slot in space.stages), 1)
    count = min(max(len(architecture.stages), fewest), len(space.stages))
    step = (len(architecture.stages) - 1) / max(count - 1, 1)
    stages = {ours: round(theirs * step) for ours, theirs in next(_pairings(space, count)).items()}
    return space.record(_near(architecture, stages, _scaled_sizes(space, architecture, stages)))[0]


def _pairings(space: SearchSpace, count: int) -> Iterator[dict[int, int]]:
    """The ways to pair stages of the space with `count` of a network; of those left out the last come first."""
    optional = [i for i, slot in enumerate(space.stages) if slot.optional]
    surplus = len(space.stages) - count
    for absent in combinations(reversed(optional), surplus) if surplus >= 0 else ():
        present = [i for i in range(len(space.stages)) if i not in absent]
        yield {ours: theirs for theirs, ours in enumerate(present)}


def _chooser(stages: dict[int, int], pick: Pick) -> Choose:
    """A chooser that picks where a stage is in `stages`, by the network's stage there, and leaves the others out."""

    def choose(name: str, values: Domain) -> Scalar:
        asked = Decision.parse(name)
        if asked.part == "stages" and asked.stage not in stages:
            return 0
        present = tuple(v for v in values if v) if asked.field == "depth" else values
        there = Decision(asked.part, stages.get(asked.stage, 0), (), asked.field)
        return pick(asked, there, present)

    return choose


def _same(architecture: Architecture, stages: dict[int, int], offered: dict[str, Domain]) -> Choose:
    """A chooser of the architecture's own values, or of any where they are not offered; notes what is."""

    def pick(_: Decision, there: Decision, values: Domain) -> Scalar:
        offered[str(there)] = values
        wanted = _value(architecture, there)
        return next((v for v in values if v == wanted), values[0])

    return _chooser(stages, pick)


def _near(architecture: Architecture, stages: dict[int, int], sizes: Sizes) -> Choose:
    """A chooser of what comes nearest to the architecture, its widths and depths taken from `sizes`."""

    def pick(asked: Decision, there: Decision, values: Domain) -> Scalar:
        wanted = sizes.get((asked.part, asked.stage, asked.field), _value(architecture, there))
        if asked.field in ("block", "kind"):
            return _kin(asked.registry, str(wanted), values)
        if wanted is None:  # the network has another kind there
            wanted = options_of(asked.registry, asked.given[0])[asked.field].default
        return _closest(wanted, values)

    return _chooser(stages, pick)


def _value(architecture: Architecture, there: Decision) -> Scalar | None:
    try:
        return architecture.value(there)
    except KeyError:
        return None


def _kin(registry: Registry, wanted: str, values: Domain) -> Scalar:
    """The kind itself, or the first of those that share most options with it."""

    def kinship(kind: Scalar) -> float:
        own, other = set(options_of(registry, wanted)), set(options_of(registry, str(kind)))
        return len(own & other) / max(len(own | other), 1)

    return wanted if wanted in values else max(values, key=kinship)


def _closest(wanted: Scalar, values: Domain) -> Scalar:
    """The value itself, the nearest number by ratio, or the first word."""
    numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    if wanted in values or isinstance(wanted, bool | str) or not numbers:
        return next((v for v in values if v == wanted), values[0])
    return min(numbers, key=lambda v: _far(v, wanted))


def _far(value: float, wanted: float) -> float:
    """The distance of two numbers, as the logarithm of their ratio; 0 is far from every other."""
    return abs(log((value + 1e-9) / (wanted + 1e-9)))


def _scaled_sizes(space: SearchSpace, architecture: Architecture, stages: dict[int, int]) -> Sizes:
    """The architecture's widths and depths, each scaled by one factor to what the space offers."""
    widths = {("stem", 0, "width"): (architecture.stem.width, space.stem.widths)}
    depths = {}
    for i, own in stages.items():
        widths["stages", i, "width"] = architecture.stages[own].width, space.stages[i].widths
        depths["stages", i, "depth"] = architecture.stages[own].depth, tuple(d for d in space.stages[i].depths if d)
    return _scaled(widths) | _scaled(depths)


def _scaled(sizes: dict[tuple[str, int, str], tuple[int, tuple[int, ...]]]) -> Sizes:
    def misfit(factor: float) -> float:
        return sum(min(_far(value, size * factor) for value in offered) for size, offered in sizes.values())

    factors = {1.0} | {value / size for size, offered in sizes.values() for value in offered}
    best = min(sorted(factors), key=lambda f: (round(misfit(f), 6), abs(log(f))))
    return {key: size * best for key, (size, _) in sizes.items()}


def _difference(found: Architecture, wanted: Architecture, offered: dict[str, Domain]) -> str:
    """The first value in which a point of the space is not the network, in words; empty when it is."""
    ours, theirs = _flat(found.complete()), _flat(wanted.complete())
    for key, value in theirs.items():
        if key != "name" and (key not in ours or ours[key] != value):
            has = offered.get(key, (ours.get(key, "nothing there"),))
            return f"{key}: the network has {_word(value)}, the space {', '.join(map(_word, has))}"
    return ""


def _flat(data: Any, key: str = "") -> dict[str, Scalar]:
    """Nested mappings and lists as one mapping with dotted keys."""
    if not isinstance(data, dict | list):
        return {key: data}
    items = data.items() if isinstance(data, dict) else enumerate(data)
    return {k: v for name, value in items for k, v in _flat(value, f"{key}.{name}" if key else str(name)).items()}


def _word(value: Scalar) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
