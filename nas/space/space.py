"""SearchSpace: what may vary in a network, and `decide`, the one traversal of it.

Random sampling, an Optuna trial, mutation, replay, validation and the smallest network are each
`decide` with another chooser. Options of a block that was not chosen are never asked, nor is anything of a
stage whose depth was chosen to be 0.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from math import prod

import numpy as np

from nas.errors import SpaceError
from nas.network.architecture import Architecture, Head, Stage, Stem
from nas.network.options import Scalar, options_of
from nas.registry import BLOCKS, HEADS, STEMS, Registry
from nas.space import matching

Domain = tuple[Scalar, ...]
Choose = Callable[[str, Domain], Scalar]
Decisions = dict[str, Scalar]


@dataclass(frozen=True)
class Slot:
    """A place where one of several kinds may stand: the stem, a stage or the head.

    `widths` is empty for a head; `depths` and `strides` are empty but for a stage; a depth of 0 leaves the stage
    out. `options` holds, for each kind, the options that the file names, in the order of the kind's constructor.
    """

    registry: Registry
    kinds: tuple[str, ...]
    options: Mapping[str, Mapping[str, Domain]]
    widths: tuple[int, ...] = ()
    depths: tuple[int, ...] = ()
    strides: tuple[int, ...] = ()
    _fitting: dict[tuple[str, int, str], Domain] = field(default_factory=dict, init=False, compare=False, repr=False)
    _widths: dict[str, tuple[int, ...]] = field(default_factory=dict, init=False, compare=False, repr=False)
    """Answers given before: a walk asks the same again and again, and a resume walks once a trial."""

    def fitting(self, kind: str, width: int, option: str) -> Domain:
        """The values of an option that may stand beside `width`."""
        asked = (kind, width, option)
        if asked not in self._fitting:
            domain = self.options[kind][option]
            self._fitting[asked] = tuple(v for v in domain if misfit(self.registry, kind, option, v, width) is None)
        return self._fitting[asked]

    def widths_of(self, kind: str) -> tuple[int, ...]:
        """The widths at which every option of `kind`, at its default too, has a value that may stand."""
        if kind not in self._widths:
            self._widths[kind] = self._find_widths(kind)
        return self._widths[kind]

    def _find_widths(self, kind: str) -> tuple[int, ...]:
        defaults = {n: o.default for n, o in options_of(self.registry, kind).items() if n not in self.options[kind]}
        return tuple(
            w
            for w in self.widths
            if all(self.fitting(kind, w, n) for n in self.options[kind])
            and not any(misfit(self.registry, kind, n, v, w) for n, v in defaults.items())
        )

    @property
    def optional(self) -> bool:
        """Whether the stage may be left out."""
        return 0 in self.depths

    def size(self, kind: str) -> int:
        """How many different decisions this place admits with one of its kinds in it."""
        widths = self.widths_of(kind) or (0,)
        points = sum(prod(len(self.fitting(kind, width, n)) for n in self.options[kind]) for width in widths)
        return points * max(len(self.depths) - self.optional, 1) * max(len(self.strides), 1)

    def sizes(self) -> int:
        """How many different decisions this place admits, being left out among them."""
        return sum(self.size(kind) for kind in self.kinds) + self.optional


def misfit(registry: Registry, kind: str, option: str, value: Scalar, width: int) -> str | None:
    """Why an option's value cannot stand beside a width, or None when it can."""
    law = getattr(registry.get(kind), "misfit", None)
    return law(option, value, width) if law and width else None


def heads_behind(block: str, heads: tuple[str, ...]) -> tuple[str, ...]:
    """The heads that may follow a last stage of a block: a class token needs a block that carries it."""
    return tuple(h for h in heads if BLOCKS.get(block).carries_token or not HEADS.get(h).wants_token)


@dataclass(frozen=True)
class SearchSpace:
    """What may vary. An architecture is a space with one point.

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
        """Walk the space once and ask `choose(name, values)` for each decision that arises.

        Names are stable and carry what they depend on: `stages.2.block`, `stages.2.moat.expansion`. A decision
        with one possible value is not asked. Where a width, an option or a head is narrowed by an earlier choice,
        its name says so (`stages.2.moat.width`, `stages.2.moat.24.head_dim`, `head.swin.kind`), so that a name has
        always the same values.
        """
        ask = _asker(choose)
        resolution = ask("resolution", self.resolution)
        stem = _decide_slot(self.stem, "stem", ask)
        stages = [s for i, slot in enumerate(self.stages) if (s := _decide_stage(slot, f"stages.{i}", ask))]
        head = _decide_head(self.head, stages[-1].kind, ask)
        return Architecture(
            stem=Stem(stem.kind, stem.width, stem.options),
            stages=tuple(Stage(s.kind, s.depth, s.width, s.stride, s.options) for s in stages),
            head=Head(head.kind, head.options),
            name=self.name,
            resolution=int(resolution),
            channels=self.channels,
            classes=self.classes,
        )

    def size(self) -> int:
        """The number of different architectures."""
        ends = 0
        for i in self.last_stages():
            last, before = self.stages[i], prod(slot.sizes() for slot in self.stages[:i])
            ends += before * sum(last.size(kind) * self._heads(kind) for kind in last.kinds)
        return len(self.resolution) * self.stem.sizes() * ends

    def last_stages(self) -> list[int]:
        """The stages that may be the last: all that follow may be left out."""
        return [i for i in range(len(self.stages)) if all(slot.optional for slot in self.stages[i + 1 :])]

    def _heads(self, block: str) -> int:
        return sum(self.head.size(kind) for kind in heads_behind(block, self.head.kinds))

    def sample(self, rng: np.random.Generator) -> tuple[Decisions, Architecture]:
        """A random point: each decision that arises is drawn evenly from its values."""
        return self.record(lambda _, values: values[int(rng.integers(len(values)))])

    def record(self, choose: Choose) -> tuple[Decisions, Architecture]:
        """`decide`, and the decisions that were taken by name."""
        decisions: Decisions = {}

        def remember(name: str, values: Domain) -> Scalar:
            decisions[name] = choose(name, values)
            return decisions[name]

        return decisions, self.decide(remember)

    def replay(self, decisions: Mapping[str, Scalar]) -> Architecture:
        """The architecture that recorded decisions describe.

        Raises SpaceError when one is missing, is not needed or is not among the values of this space.
        """
        unused = set(decisions)

        def recall(name: str, values: Domain) -> Scalar:
            unused.discard(name)
            if name not in decisions:
                raise SpaceError(f"the decision '{name}' is missing; it may be {_listed(values)}")
            return decisions[name]

        architecture = self.decide(recall)
        if unused:
            raise SpaceError(f"the space {self.name} asks for no decision '{min(unused)}'")
        return architecture

    def locate(self, architecture: Architecture) -> Decisions:
        """The decisions that give an architecture. Raises SpaceError, naming the first place that differs."""
        return matching.locate(self, architecture)

    def nearest(self, architecture: Architecture) -> Decisions:
        """The decisions that come nearest to an architecture: those that give it, where the space holds it.

        See `nas.space.matching` for what near means; widths and depths are scaled, so that the shape is kept.
        """
        return matching.nearest(self, architecture)

    def smallest(self) -> Architecture:
        """The first value of every decision: by custom the smallest."""
        return self.decide(lambda _, values: values[0])

    def largest(self) -> Architecture:
        """The last value of every decision: by custom the largest."""
        return self.decide(lambda _, values: values[-1])

    def fit(self, *, resolution: int | None, channels: int, classes: int) -> "SearchSpace":
        """This space for a data set: its channels and classes, and its resolution unless the space varies it."""
        fixed = len(self.resolution) == 1 and resolution is not None
        pixels = (resolution,) if fixed and resolution else self.resolution
        return replace(self, resolution=pixels, channels=channels, classes=classes)


@dataclass(frozen=True)
class _Decided:
    kind: str
    width: int
    depth: int
    stride: int
    options: dict[str, Scalar]


def _decide_stage(slot: Slot, at: str, ask: Choose) -> _Decided | None:
    """A stage, or None where it is left out: then nothing else of it is asked."""
    if not slot.optional:
        return _decide_slot(slot, at, ask)
    depth = int(ask(f"{at}.depth", slot.depths))
    return _decide_slot(replace(slot, depths=(depth,)), at, ask) if depth else None


def _decide_head(slot: Slot, block: str, ask: Choose) -> _Decided:
    kinds = heads_behind(block, slot.kinds)
    if kinds == slot.kinds:
        return _decide_slot(slot, "head", ask)
    kind = str(ask(f"head.{block}.kind", kinds))
    return _decide_slot(replace(slot, kinds=(kind,)), "head", ask)


def _decide_slot(slot: Slot, at: str, ask: Choose) -> _Decided:
    name = "block" if slot.registry is BLOCKS else "kind"
    kind = str(ask(f"{at}.{name}", slot.kinds))
    depth = int(ask(f"{at}.depth", slot.depths))
    widths = slot.widths_of(kind)
    width = int(ask(f"{at}.width" if widths == slot.widths else f"{at}.{kind}.width", widths))
    stride = int(ask(f"{at}.stride", slot.strides))
    options = {}
    for option, domain in slot.options[kind].items():
        fitting = slot.fitting(kind, width, option)
        options[option] = ask(
            f"{at}.{kind}.{option}" if fitting == domain else f"{at}.{kind}.{width}.{option}", fitting
        )
    return _Decided(kind, width, depth, stride, options)


def _asker(choose: Choose) -> Choose:
    """`choose`, asked only where there is a choice, and held to the values it was offered."""

    def ask(name: str, values: Domain) -> Scalar:
        if not values:
            return 0
        if len(values) == 1:
            return values[0]
        value = choose(name, values)
        for allowed in values:
            if allowed == value and type(allowed) is type(value):
                return value
        raise SpaceError(f"{name}: {value!r} is not among {_listed(values)}")

    return ask


def _listed(values: Iterable[Scalar]) -> str:
    return ", ".join(map(str, values))


def slots(space: SearchSpace) -> Iterator[tuple[str, Slot]]:
    """Every place of a space by its key: `stem`, `stages.0`, ..., `head`."""
    yield "stem", space.stem
    for i, slot in enumerate(space.stages):
        yield f"stages.{i}", slot
    yield "head", space.head


__all__ = [
    "BLOCKS",
    "HEADS",
    "STEMS",
    "Choose",
    "Decisions",
    "Domain",
    "SearchSpace",
    "Slot",
    "heads_behind",
    "misfit",
    "slots",
]
