"""A search space, and `decide`, its one traversal.

Random sampling, an Optuna trial, mutation, replay, validation and the smallest network are each `decide` with another
chooser. It never asks for the options of a block that was not chosen, nor for more of a stage than a depth of 0.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from math import prod

import numpy as np

from nas.errors import SpaceError
from nas.network.architecture import Architecture, Decision, HeadSpec, StageSpec, StemSpec
from nas.network.options import Scalar, options_of
from nas.registry import BLOCKS, HEADS, Registry

Domain = tuple[Scalar, ...]
Choose = Callable[[str, Domain], Scalar]
Decisions = dict[str, Scalar]


@dataclass(frozen=True)
class Slot:
    """The choices in one part of a network: the stem, a stage or the head.

    A head has no `widths`, only a stage has `depths` and `strides`, and a depth of 0 leaves the stage out. `options`
    holds, for each kind, the options that the file names, in the order of the kind's constructor.
    """

    registry: Registry
    kinds: tuple[str, ...]
    options: Mapping[str, Mapping[str, Domain]]
    widths: tuple[int, ...] = ()
    depths: tuple[int, ...] = ()
    strides: tuple[int, ...] = ()

    def fitting(self, kind: str, width: int) -> Mapping[str, Domain]:
        """Return the values of each option of a kind that suit `width`."""
        return self._fitting[kind, width]

    @cached_property
    def _fitting(self) -> dict[tuple[str, int], dict[str, Domain]]:
        return {
            (kind, width): {
                option: tuple(v for v in domain if misfit(self.registry, kind, option, v, width) is None)
                for option, domain in self.options[kind].items()
            }
            for kind in self.kinds
            for width in self.widths or (0,)
        }

    def widths_of(self, kind: str) -> tuple[int, ...]:
        """Return the widths that suit a value of every option of `kind`, and the defaults of the others."""
        return self._widths[kind]

    @cached_property
    def _widths(self) -> dict[str, tuple[int, ...]]:
        return {kind: tuple(width for width in self.widths if self._fits(kind, width)) for kind in self.kinds}

    def _fits(self, kind: str, width: int) -> bool:
        defaults = {n: o.default for n, o in options_of(self.registry, kind).items() if n not in self.options[kind]}
        return all(self.fitting(kind, width).values()) and not any(
            misfit(self.registry, kind, option, value, width) for option, value in defaults.items()
        )

    @property
    def optional(self) -> bool:
        """Whether the stage may be left out."""
        return 0 in self.depths

    def size(self, kind: str) -> int:
        """Count the different decisions about this part where it is of one kind."""
        widths = self.widths_of(kind) or (0,)
        points = sum(prod(map(len, self.fitting(kind, width).values())) for width in widths)
        return points * max(len(self.depths) - self.optional, 1) * max(len(self.strides), 1)

    def sizes(self) -> int:
        """Count the different decisions about this part, among them leaving it out."""
        return sum(self.size(kind) for kind in self.kinds) + self.optional


def misfit(registry: Registry, kind: str, option: str, value: Scalar, width: int) -> str | None:
    """Say why an option's value does not suit a width, or return None."""
    law = getattr(registry.get(kind), "misfit", None)
    return law(option, value, width) if law and width else None


@cache
def heads_after(block: str, heads: tuple[str, ...]) -> tuple[str, ...]:
    """Return the heads that may follow a last stage of a block, as a class token needs a block that carries it."""
    return tuple(h for h in heads if BLOCKS.get(block).carries_token or not HEADS.get(h).wants_token)


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
        ends = 0
        for i in self.last_stages():
            last, before = self.stages[i], prod(slot.sizes() for slot in self.stages[:i])
            ends += before * sum(last.size(kind) * self._heads(kind) for kind in last.kinds)
        return len(self.resolution) * self.stem.sizes() * ends

    def last_stages(self) -> list[int]:
        """Return the numbers of the stages that may be the last, as those after them may be left out."""
        return [i for i in range(len(self.stages)) if all(slot.optional for slot in self.stages[i + 1 :])]

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


def _listed(values: Iterable[Scalar]) -> str:
    return ", ".join(map(str, values))


def slots(space: SearchSpace) -> Iterator[tuple[str, Slot]]:
    """Yield every part of a space with its key: `stem`, `stages.0`, ..., `head`."""
    yield "stem", space.stem
    for i, slot in enumerate(space.stages):
        yield f"stages.{i}", slot
    yield "head", space.head


def draw(space: SearchSpace, count: int, seed: int = 0) -> list[Architecture]:
    """Draw `count` different networks of a space by `seed`, or fewer from a small space."""
    rng, found = np.random.default_rng(seed), dict[str, Architecture]()
    for _ in range(50 * count):
        architecture = space.sample(rng)[1]
        found.setdefault(architecture.key(), architecture)
        if len(found) == count:
            break
    return list(found.values())
