"""Where a given network lies in a search space: its decisions there, or those that come nearest to it.

Near means: the same kind, else the offered one that shares most options with it; the same word, else the first;
the number nearest by ratio. Widths and depths are scaled before, each by one factor for all stages: the one that
brings them nearest to what is offered, of equal ones the nearest to 1. So CoAtNet-0's widths 96, 192, 384, 768
keep their shape in a small space. Where the numbers of stages differ, each stage of the space looks at the one
that stands as deep in the network.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import combinations, islice
from math import log
from typing import TYPE_CHECKING, Any

from nas.errors import SpaceError
from nas.network.architecture import Architecture
from nas.network.options import Scalar, options_of
from nas.registry import BLOCKS, HEADS, STEMS, Registry

if TYPE_CHECKING:
    from nas.space.space import Choose, Decisions, Domain, SearchSpace

Sizes = dict[tuple[str, int, str], float]  # by part, number of the space's stage, and `width` or `depth`
REGISTRIES = {"stem": STEMS, "stages": BLOCKS, "head": HEADS}
MAX_PLACEMENTS = 1000


def locate(space: "SearchSpace", architecture: Architecture) -> "Decisions":
    """The decisions that give an architecture. Raises SpaceError, naming the first place that differs."""
    reason = ""
    for places in islice(_placements(space, len(architecture.stages)), MAX_PLACEMENTS):
        offered: dict[str, Domain] = {}
        stages = {place: i for i, place in enumerate(places)}
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


def nearest(space: "SearchSpace", architecture: Architecture) -> "Decisions":
    """The decisions that come nearest to an architecture: those that give it, where the space holds it."""
    with suppress(SpaceError):
        return locate(space, architecture)
    fewest = max(sum(not slot.optional for slot in space.stages), 1)
    count = min(max(len(architecture.stages), fewest), len(space.stages))
    step = (len(architecture.stages) - 1) / max(count - 1, 1)
    stages = {place: round(i * step) for i, place in enumerate(next(_placements(space, count)))}
    return space.record(_near(architecture, stages, _scaled_sizes(space, architecture, stages)))[0]


def _placements(space: "SearchSpace", count: int) -> Iterator[list[int]]:
    """The ways to leave out stages of the space so that `count` remain; the last are left out first."""
    optional = [i for i, slot in enumerate(space.stages) if slot.optional]
    surplus = len(space.stages) - count
    for absent in combinations(reversed(optional), surplus) if surplus >= 0 else ():
        yield [i for i in range(len(space.stages)) if i not in absent]


@dataclass(frozen=True)
class _Question:
    """A decision's name taken apart: `stages.2.moat.24.head_dim` asks stage 2 for its block moat's head_dim."""

    part: str
    stage: int
    kind: str
    what: str

    @classmethod
    def parse(cls, name: str) -> "_Question":
        part, *path = name.split(".")
        stage = int(path.pop(0)) if part == "stages" else 0
        what = path.pop() if path else part
        return cls(part, stage, path[0] if path else "", what)

    def place(self, stage: int) -> str:
        """Where a network has it, whose stage of that number is looked at: `stages.1.head_dim`."""
        if self.part == "resolution":
            return self.part
        return f"stages.{stage}.{self.what}" if self.part == "stages" else f"{self.part}.{self.what}"


def _chooser(stages: dict[int, int], pick: "Callable[[_Question, str, Domain], Scalar]") -> "Choose":
    """`pick(question, place in the network, values)` where a stage is in `stages`; the others are left out."""

    def choose(name: str, values: "Domain") -> Scalar:
        asked = _Question.parse(name)
        if asked.part == "stages" and asked.stage not in stages:
            return 0
        present = tuple(v for v in values if v) if asked.what == "depth" else values
        return pick(asked, asked.place(stages.get(asked.stage, 0)), present)

    return choose


def _same(architecture: Architecture, stages: dict[int, int], offered: dict[str, "Domain"]) -> "Choose":
    """A chooser of the architecture's own values, or of any where they are not offered; notes what is."""

    def pick(_: _Question, place: str, values: "Domain") -> Scalar:
        offered[place] = values
        wanted = _value(architecture, place)
        return next((v for v in values if v == wanted), values[0])

    return _chooser(stages, pick)


def _near(architecture: Architecture, stages: dict[int, int], sizes: "Sizes") -> "Choose":
    """A chooser of what comes nearest to the architecture, its widths and depths taken from `sizes`."""

    def pick(asked: _Question, place: str, values: "Domain") -> Scalar:
        wanted = sizes.get((asked.part, asked.stage, asked.what), _value(architecture, place))
        if asked.what in ("block", "kind"):
            return _kin(REGISTRIES[asked.part], str(wanted), values)
        if wanted is None:  # the network has another kind there
            wanted = options_of(REGISTRIES[asked.part], asked.kind)[asked.what].default
        return _closest(wanted, values)

    return _chooser(stages, pick)


def _value(architecture: Architecture, place: str) -> Scalar | None:
    try:
        return architecture.value(place)
    except KeyError:
        return None


def _kin(registry: Registry, wanted: str, values: "Domain") -> Scalar:
    """The kind itself, or the first of those that share most options with it."""

    def kinship(kind: Scalar) -> float:
        own, other = set(options_of(registry, wanted)), set(options_of(registry, str(kind)))
        return len(own & other) / max(len(own | other), 1)

    return wanted if wanted in values else max(values, key=kinship)


def _closest(wanted: Scalar, values: "Domain") -> Scalar:
    """The value itself, the nearest number by ratio, or the first word."""
    numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    if wanted in values or isinstance(wanted, bool | str) or not numbers:
        return next((v for v in values if v == wanted), values[0])
    return min(numbers, key=lambda v: _far(v, wanted))


def _far(value: float, wanted: float) -> float:
    """The distance of two numbers, as the logarithm of their ratio; 0 is far from every other."""
    return abs(log((value + 1e-9) / (wanted + 1e-9)))


def _scaled_sizes(space: "SearchSpace", architecture: Architecture, stages: dict[int, int]) -> Sizes:
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
    return {place: size * best for place, (size, _) in sizes.items()}


def _difference(found: Architecture, wanted: Architecture, offered: dict[str, "Domain"]) -> str:
    """The first place at which a point of the space is not the network, in words; empty when it is."""
    ours, theirs = _flat(found.complete()), _flat(wanted.complete())
    for place, value in theirs.items():
        if place != "name" and (place not in ours or ours[place] != value):
            has = offered.get(place, (ours.get(place, "nothing there"),))
            return f"{place}: the network has {_word(value)}, the space {', '.join(map(_word, has))}"
    return ""


def _flat(data: Any, key: str = "") -> dict[str, Scalar]:
    """Nested mappings and lists as one mapping with dotted keys."""
    if not isinstance(data, dict | list):
        return {key: data}
    items = data.items() if isinstance(data, dict) else enumerate(data)
    return {k: v for name, value in items for k, v in _flat(value, f"{key}.{name}" if key else str(name)).items()}


def _word(value: Scalar) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
