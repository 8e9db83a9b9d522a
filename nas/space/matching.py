"""Finding a given network in a search space, by its own decisions or the nearest ones.

The nearest kind is the same one, else the offered one that shares most options; the nearest word is the same, else the
first; the nearest number is so by ratio. Before that, widths and depths are each scaled by one factor for all stages,
the one that brings them nearest to the offered values, or of equal ones the nearest to 1: CoAtNet-0's widths 96, 192,
384, 768 keep their proportions in a small space. Where the numbers of stages differ, each stage of the space is
compared with the one at the same relative depth of the network.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import cache
from itertools import combinations
from math import log
from typing import Any

from nas.errors import SpaceError
from nas.network.architecture import Architecture, Decision
from nas.network.options import Scalar, options_of
from nas.registry import Registry
from nas.space.slot import Domain
from nas.space.space import Choose, Decisions, SearchSpace, Traversal

Sizes = dict[tuple[str, int, str], float]
"""Widths and depths, by part, number of the space's stage, and `width` or `depth`."""
Pick = Callable[[Decision, Decision, Domain], Scalar]
"""Picks among the values of a decision of the space, given the network's decision that it is compared with."""


def locate(space: SearchSpace, architecture: Architecture) -> Decisions:
    """Return the decisions that give an architecture. Raises SpaceError, naming the first value that differs."""
    count, most = len(architecture.stages), len(space.stages)
    stages = _placed(space, architecture) or next(_pairings(space, count), None)
    if stages is None:
        fewest = most - sum(slot.optional for slot in space.stages)
        has = most if most == fewest else f"{fewest} to {most}"
        raise SpaceError(f"stages: the network has {count}, the space {has}")
    offered: dict[str, Domain] = {}
    decisions, found = space.record(_same(architecture, stages, offered))
    if difference := _difference(found, architecture, offered):
        raise SpaceError(difference)
    return decisions


def nearest(space: SearchSpace, architecture: Architecture) -> Decisions:
    """Return the decisions nearest to an architecture, those that give it where the space holds it."""
    with suppress(SpaceError):
        return locate(space, architecture)
    fewest = max(sum(not slot.optional for slot in space.stages), 1)
    count = min(max(len(architecture.stages), fewest), len(space.stages))
    step = (len(architecture.stages) - 1) / max(count - 1, 1)
    stages = {ours: round(theirs * step) for ours, theirs in next(_pairings(space, count)).items()}
    return space.record(_near(architecture, stages, _scaled_sizes(space, architecture, stages)))[0]


def _placed(space: SearchSpace, architecture: Architecture) -> dict[int, int] | None:
    """Find the first way to pair the space's stages with all of a network's, each of which it can be decided as."""
    wanted = architecture.complete()["stages"]

    def becomes(ours: int, theirs: int) -> bool:
        stage = Traversal(_same(architecture, {ours: theirs}, {})).stage(space.stages[ours], ours)
        return stage is not None and replace(architecture, stages=(stage,)).complete()["stages"] == [wanted[theirs]]

    @cache
    def rest(ours: int, theirs: int) -> dict[int, int] | None:
        if ours == len(space.stages):
            return {} if theirs == len(wanted) else None
        if theirs < len(wanted) and becomes(ours, theirs) and (after := rest(ours + 1, theirs + 1)) is not None:
            return {ours: theirs} | after
        return rest(ours + 1, theirs) if space.stages[ours].optional else None

    return rest(0, 0)


def _pairings(space: SearchSpace, count: int) -> Iterator[dict[int, int]]:
    """Yield the ways to pair the space's stages with `count` of a network, leaving out the last optional ones first."""
    optional = [i for i, slot in enumerate(space.stages) if slot.optional]
    surplus = len(space.stages) - count
    for absent in combinations(reversed(optional), surplus) if surplus >= 0 else ():
        present = [i for i in range(len(space.stages)) if i not in absent]
        yield {ours: theirs for theirs, ours in enumerate(present)}


def _chooser(stages: dict[int, int], pick: Pick) -> Choose:
    """Make a chooser that picks by the network's stage in `stages` and leaves out stages that are not there."""

    def choose(name: str, values: Domain) -> Scalar:
        asked = Decision.parse(name)
        if asked.part == "stages" and asked.stage not in stages:
            return 0
        present = tuple(v for v in values if v) if (asked.part, asked.field) == ("stages", "depth") else values
        there = Decision(asked.part, stages.get(asked.stage, 0), (), asked.field)
        return pick(asked, there, present)

    return choose


def _same(architecture: Architecture, stages: dict[int, int], offered: dict[str, Domain]) -> Choose:
    """Make a chooser of the architecture's own values, or the first if not offered, that notes the offered ones."""

    def pick(_: Decision, there: Decision, values: Domain) -> Scalar:
        offered[str(there)] = values
        wanted = _value(architecture, there)
        return next((v for v in values if v == wanted), values[0])

    return _chooser(stages, pick)


def _near(architecture: Architecture, stages: dict[int, int], sizes: Sizes) -> Choose:
    """Make a chooser of the values nearest to the architecture's, whose widths and depths are in `sizes`."""

    def pick(asked: Decision, there: Decision, values: Domain) -> Scalar:
        wanted = sizes.get((asked.part, asked.stage, asked.field), _value(architecture, there))
        if asked.field == ("block" if asked.part == "stages" else "kind"):
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
    """Return the kind itself, or the first of those that share most options with it."""

    def kinship(kind: Scalar) -> float:
        own, other = set(options_of(registry, wanted)), set(options_of(registry, str(kind)))
        return len(own & other) / max(len(own | other), 1)

    return wanted if wanted in values else max(values, key=kinship)


def _closest(wanted: Scalar, values: Domain) -> Scalar:
    """Return the value itself, the nearest number by ratio, by difference where one is negative, or the first word."""
    numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    if wanted in values or isinstance(wanted, bool | str) or not numbers:
        return next((v for v in values if v == wanted), values[0])
    if min(*numbers, wanted) < 0:
        return min(numbers, key=lambda v: abs(v - wanted))
    return min(numbers, key=lambda v: _distance(v, wanted))


def _distance(value: float, wanted: float) -> float:
    """Return the logarithm of two numbers' ratio, large between 0 and any other."""
    return abs(log((value + 1e-9) / (wanted + 1e-9)))


def _scaled_sizes(space: SearchSpace, architecture: Architecture, stages: dict[int, int]) -> Sizes:
    """Scale the architecture's widths and its depths, each by one factor, to the values that the space offers."""
    widths = {("stem", 0, "width"): (architecture.stem.width, space.stem.widths)}
    depths = {}
    for i, own in stages.items():
        widths["stages", i, "width"] = architecture.stages[own].width, space.stages[i].widths
        depths["stages", i, "depth"] = architecture.stages[own].depth, tuple(d for d in space.stages[i].depths if d)
    return _scaled(widths) | _scaled(depths)


def _scaled(sizes: dict[tuple[str, int, str], tuple[int, tuple[int, ...]]]) -> Sizes:
    def misfit(factor: float) -> float:
        return sum(min(_distance(value, size * factor) for value in offered) for size, offered in sizes.values())

    factors = {1.0} | {value / size for size, offered in sizes.values() for value in offered}
    best = min(sorted(factors), key=lambda f: (round(misfit(f), 6), abs(log(f))))
    return {key: size * best for key, (size, _) in sizes.items()}


def _difference(found: Architecture, wanted: Architecture, offered: dict[str, Domain]) -> str:
    """Name the first value in which a point of the space differs from the network, or nothing."""
    ours, theirs = _flat(found.complete()), _flat(wanted.complete())
    for key, value in theirs.items():
        if key != "name" and (key not in ours or ours[key] != value):
            has = offered.get(key, (ours.get(key, "nothing there"),))
            return f"{key}: the network has {_word(value)}, the space {', '.join(map(_word, has))}"
    return ""


def _flat(data: Any, key: str = "") -> dict[str, Scalar]:
    """Flatten nested mappings and lists to one mapping with dotted keys."""
    if not isinstance(data, dict | list):
        return {key: data}
    items = data.items() if isinstance(data, dict) else enumerate(data)
    return {k: v for name, value in items for k, v in _flat(value, f"{key}.{name}" if key else str(name)).items()}


def _word(value: Scalar) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
