"""A search space, and `decide`, its one traversal.

Random sampling, an Optuna trial, mutation, replay, validation and the smallest network are each `decide` with another
chooser. It never asks for the options of a block that was not chosen, nor for more of a stage than a depth of 0.
"""

import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property

import numpy as np

from nas.errors import SpaceError
from nas.network.architecture import Architecture, Decision, HeadSpec, StageSpec, StemSpec
from nas.network.options import Scalar
from nas.space.counting import sequences
from nas.space.slot import Domain, Slot, heads_after

Choose = Callable[[str, Domain], Scalar]
Decisions = dict[str, Scalar]


@dataclass(frozen=True)
class SearchSpace:
    """The choices in every part of a network, which are single values in an architecture.

    `resolution` is in pixels; `channels` and `classes` belong to the data and never vary.
    """

    name: str
    stem: Slot
    stages: tuple[Slot, ...]
    head: Slot
    resolution: tuple[int, ...] = (224,)
    channels: int = 3
    classes: int = 1000

    def __repr__(self) -> str:
        return f"SearchSpace({self.name}: {self.size():,} networks)"

    def decide(self, choose: Choose) -> Architecture:
        """Walk the space once and ask `choose(name, values)` for each decision with more than one value.

        Names are stable and hold the choices they depend on: `stages.2.block`, `stages.2.moat.expansion`. Where an
        earlier choice narrows a width, an option or a head, the name says so (`stages.2.moat.width`,
        `stages.2.moat.24.head_dim`, `head.swin.kind`), so that a name always has the same values. Raises SpaceError
        when `choose` returns another value than those offered.
        """
        walk = Traversal(choose)
        resolution = walk.ask(self.resolution, "resolution")
        stem = walk.stem(self.stem)
        stages = tuple([stage for i, slot in enumerate(self.stages) if (stage := walk.stage(slot, i))])
        return Architecture(
            stem=stem,
            stages=stages,
            head=walk.head(self.head, stages[-1].block),
            name=self.name,
            resolution=int(resolution),
            channels=self.channels,
            classes=self.classes,
        )

    def size(self) -> int:
        """Count the different architectures."""
        return self._size

    @cached_property
    def _size(self) -> int:
        ends = sum(count * self._heads(kind) for kind, count in sequences(self.stages).items())
        return len(self.resolution) * sum(map(self.stem.size, self.stem.kinds)) * ends

    def last_stages(self) -> list[int]:
        """Return the numbers of the stages that may be the last, as those after them may be left out."""
        return [i for i in range(len(self.stages)) if all(slot.optional for slot in self.stages[i + 1 :])]

    def keeping(self, places: Collection[int]) -> "SearchSpace":
        """Return the part of this space whose networks have the stages of these numbers, and no other optional one."""
        stages = [
            replace(slot, depths=tuple(depth for depth in slot.depths if depth)) if i in places else slot
            for i, slot in enumerate(self.stages)
        ]
        return replace(self, stages=tuple(stages)).without(i for i in range(len(stages)) if i not in places)

    def without(self, places: Iterable[int]) -> "SearchSpace":
        """Return the part of this space whose networks leave out the optional stages among those of these numbers."""
        absent = set(places)
        stages = [
            replace(slot, depths=(0,)) if i in absent and slot.optional else slot for i, slot in enumerate(self.stages)
        ]
        return replace(self, stages=tuple(stages))

    def _heads(self, block: str) -> int:
        return sum(self.head.size(kind) for kind in heads_after(block, self.head.kinds))

    def sample(self, rng: np.random.Generator) -> tuple[Decisions, Architecture]:
        """Draw a random point, each decision evenly from its values."""
        return self.record(lambda _, values: values[int(rng.integers(len(values)))])

    def record(self, choose: Choose) -> tuple[Decisions, Architecture]:
        """Run `decide` and record the decisions by name."""
        decisions: Decisions = {}

        def remember(name: str, values: Domain) -> Scalar:
            decisions[name] = choose(name, values)
            return decisions[name]

        return decisions, self.decide(remember)

    def replay(self, decisions: Mapping[str, Scalar]) -> Architecture:
        """Return the architecture that recorded decisions describe.

        Raises SpaceError when one is missing, superfluous or not among this space's values.
        """
        return self._recall(decisions)[0]

    def domains(self, decisions: Mapping[str, Scalar]) -> dict[str, Domain]:
        """Return the values that each recorded decision was chosen from, by name. Raises as `replay` does."""
        return self._recall(decisions)[1]

    def _recall(self, decisions: Mapping[str, Scalar]) -> tuple[Architecture, dict[str, Domain]]:
        domains: dict[str, Domain] = {}

        def recall(name: str, values: Domain) -> Scalar:
            domains[name] = values
            if name not in decisions:
                raise SpaceError(f"the decision '{name}' is missing; it may be {_listed(values)}")
            return decisions[name]

        architecture = self.decide(recall)
        if unused := decisions.keys() - domains:
            raise SpaceError(f"the space {self.name} asks for no decision '{min(unused)}'")
        return architecture, domains

    def smallest(self) -> Architecture:
        """Take the first value of every decision, by custom the smallest."""
        return self.decide(lambda _, values: values[0])

    def largest(self) -> Architecture:
        """Take the last value of every decision, by custom the largest."""
        return self.decide(lambda _, values: values[-1])

    def fit(self, *, resolution: int | None, channels: int, classes: int) -> "SearchSpace":
        """Give this space a data set's channels and classes, and its resolution unless the space varies it."""
        fixed = len(self.resolution) == 1 and resolution is not None
        pixels = (resolution,) if fixed and resolution else self.resolution
        return replace(self, resolution=pixels, channels=channels, classes=classes)


@dataclass(frozen=True)
class Traversal:
    """One traversal of a space, which asks `choose` where there is a choice and checks its answer."""

    choose: Choose

    def ask(self, values: Domain, part: str, stage: int = 0, given: tuple[str, ...] = (), field: str = "") -> Scalar:
        if len(values) == 1:
            return values[0]
        name = _name(part, stage, given, field)
        value = self.choose(name, values)
        for allowed in values:
            if allowed == value and type(allowed) is type(value):
                return value
        raise SpaceError(f"{name}: {value!r} is not among {_listed(values)}")

    def stem(self, slot: Slot) -> StemSpec:
        kind = str(self.ask(slot.kinds, "stem", field="kind"))
        width = self._width(slot, kind, "stem")
        return StemSpec(kind, width, self._options(slot, kind, width, "stem"))

    def stage(self, slot: Slot, i: int) -> StageSpec | None:
        """Decide a stage, or return None where it is left out, without asking more."""
        first = self._depth(slot, i) if slot.optional else None
        if first == 0:
            return None
        block = str(self.ask(slot.kinds, "stages", i, field="block"))
        depth = first or self._depth(slot, i)
        width = self._width(slot, block, "stages", i)
        stride = int(self.ask(slot.strides, "stages", i, field="stride"))
        return StageSpec(block, depth, width, stride, self._options(slot, block, width, "stages", i))

    def head(self, slot: Slot, block: str) -> HeadSpec:
        """Decide a head that may follow the last block."""
        kinds = heads_after(block, slot.kinds)
        kind = str(self.ask(kinds, "head", given=() if kinds == slot.kinds else (block,), field="kind"))
        return HeadSpec(kind, self._options(slot, kind, 0, "head"))

    def _depth(self, slot: Slot, i: int) -> int:
        return int(self.ask(slot.depths, "stages", i, field="depth"))

    def _width(self, slot: Slot, kind: str, part: str, stage: int = 0) -> int:
        widths = slot.widths_of(kind)
        return int(self.ask(widths, part, stage, () if widths == slot.widths else (kind,), "width"))

    def _options(self, slot: Slot, kind: str, width: int, part: str, stage: int = 0) -> dict[str, Scalar]:
        options = {}
        for option, fitting in slot.fitting(kind, width).items():
            given = (kind,) if fitting == slot.options[kind][option] else (kind, str(width))
            options[option] = self.ask(fitting, part, stage, given, option)
        return options


@cache
def _name(part: str, stage: int, given: tuple[str, ...], field: str) -> str:
    return str(Decision(part, stage, given, field))


def completing(decisions: Mapping[str, Scalar]) -> Choose:
    """Make a chooser that completes decisions made in part: where none stands that is offered, the first value."""
    return lambda name, values: decisions[name] if decisions.get(name) in values else values[0]


def _listed(values: Iterable[Scalar]) -> str:
    return ", ".join(map(str, values))


def slots(space: SearchSpace) -> Iterator[tuple[str, Slot]]:
    """Yield every part of a space with its key: `stem`, `stages.0`, ..., `head`."""
    yield "stem", space.stem
    for i, slot in enumerate(space.stages):
        yield f"stages.{i}", slot
    yield "head", space.head


def placed(decisions: Mapping[str, Scalar], architecture: Architecture) -> dict[int, StageSpec]:
    """Return the stages of a decided network by their numbers in its space, where others may have been left out."""
    places = (i for i in itertools.count() if decisions.get(f"stages.{i}.depth") != 0)
    return dict(zip(places, architecture.stages, strict=False))


def draw(space: SearchSpace, count: int, seed: int = 0) -> list[Architecture]:
    """Draw `count` different networks of a space by `seed`, or fewer from a small space."""
    return [architecture for _, architecture in draw_points(space, count, seed)]


def draw_points(space: SearchSpace, count: int, seed: int = 0) -> list[tuple[Decisions, Architecture]]:
    """Draw the same networks, each with its decisions."""
    rng, found = np.random.default_rng(seed), dict[str, tuple[Decisions, Architecture]]()
    for _ in range(50 * count):
        point = space.sample(rng)
        found.setdefault(point[1].key(), point)
        if len(found) == count:
            break
    return list(found.values())
