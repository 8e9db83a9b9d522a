"""One decided network as frozen plain data, with the names of its values and YAML in and out."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from nas import document, files
from nas.errors import SettingError, told_as
from nas.files import Json
from nas.network.options import TAKEN, Scalar, options_of
from nas.registry import BLOCKS, HEADS, OURS, STEMS, Registry

Options = Mapping[str, Scalar]
REGISTRIES = {"stem": STEMS, "stages": BLOCKS, "head": HEADS}
LETTER = re.compile("[A-Z]{1,2}")
SCALARS = {bool, int, float, str}
DRAWN = "one of a space's networks, space.sample(numpy.random.default_rng(0))[1]"
"""How errors say that a search space is many architectures."""
OWN = {part: TAKEN[registry.noun] for part, registry in REGISTRIES.items()}


@dataclass(frozen=True)
class Decision:
    """The name of one value in a network: `stages.2.moat.24.head_dim` is the head dimension of stage 2.

    `given` lists the earlier choices that the offered values depend on, here the block moat and its width 24. In a
    network the value's name leaves them out: `stages.2.head_dim`.
    """

    part: str
    """`resolution`, `stem`, `stages` or `head`."""
    stage: int = 0
    given: tuple[str, ...] = ()
    field: str = ""

    @classmethod
    @cache
    def parse(cls, name: str) -> "Decision":
        """Undo `str`. Raises ValueError for a text that names no value of a network."""
        part, *path = name.split(".")
        if part == "resolution" and not path:
            return cls(part)
        stage = path.pop(0) if part == "stages" and path else "0"
        if part not in REGISTRIES or not path or not (stage.isascii() and stage.isdigit()):
            raise ValueError(f"'{name}' names no value of a network")
        return cls(part, int(stage), tuple(path[:-1]), path[-1])

    def __str__(self) -> str:
        return ".".join(map(str, self.path))

    @property
    def path(self) -> tuple[str | int, ...]:
        """The name as a tuple, `("stages", 2, "moat", "24", "head_dim")`."""
        if self.part == "resolution":
            return (self.part,)
        stage = (self.stage,) if self.part == "stages" else ()
        return (self.part, *stage, *self.given, self.field)

    @property
    def registry(self) -> Registry:
        """The registry of kinds for this part of a network."""
        return REGISTRIES[self.part]


@dataclass(frozen=True)
class StemSpec:
    """A decided stem, which turns an image into the first feature map, of `width` channels."""

    kind: str
    width: int
    options: Options = field(default_factory=dict)

    def __hash__(self) -> int:
        return hash((self.kind, self.width, frozenset(self.options.items())))


@dataclass(frozen=True)
class StageSpec:
    """A decided stage of `depth` blocks, the first of which sets the width and divides the resolution by `stride`."""

    block: str
    depth: int
    width: int
    stride: int
    options: Options = field(default_factory=dict)

    def __hash__(self) -> int:
        return hash((self.block, self.depth, self.width, self.stride, frozenset(self.options.items())))


@dataclass(frozen=True)
class HeadSpec:
    """A decided head, which turns the last feature map into logits."""

    kind: str
    options: Options = field(default_factory=dict)

    def __hash__(self) -> int:
        return hash((self.kind, frozenset(self.options.items())))


@dataclass(frozen=True)
class Architecture:
    """One decided network.

    `resolution` is the side of its square images in pixels, `channels` and `classes` are those of its data. An absent
    option has the paper's value, the default of the block's constructor.
    """

    stem: StemSpec
    stages: tuple[StageSpec, ...]
    head: HeadSpec
    name: str = "unnamed"
    resolution: int = 224
    channels: int = 3
    classes: int = 1000

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Architecture":
        """Read the plain data of `to_dict` in microseconds, without checking kinds, options or values.

        `nas.load_architecture` checks data from elsewhere. Raises ValueError, KeyError or TypeError for data of another
        shape.
        """
        own = dict(data)
        stem, head, *stages = map(dict, (own.pop("stem"), own.pop("head"), *own.pop("stages")))
        values = [value for part in (own, stem, head, *stages) for value in part.values()]
        if not stages or not {*map(type, values)} <= SCALARS:
            raise ValueError("an architecture has stages, and a single number, word or true/false for each value")
        return cls(
            StemSpec(stem.pop("kind"), stem.pop("width"), stem),
            tuple([_stage(stage) for stage in stages]),
            HeadSpec(head.pop("kind"), head),
            **own,
        )

    def to_dict(self) -> Json:
        """Return the plain data of an architecture file, which `from_dict` and `load_architecture` read."""
        stem = {"kind": self.stem.kind, "width": self.stem.width, **self.stem.options}
        stages = [
            {"block": s.block, "depth": s.depth, "width": s.width, "stride": s.stride, **s.options} for s in self.stages
        ]
        return {
            "name": self.name,
            "resolution": self.resolution,
            "channels": self.channels,
            "classes": self.classes,
            "stem": stem,
            "stages": stages,
            "head": {"kind": self.head.kind, **self.head.options},
        }

    def to_yaml(self) -> str:
        """Return the text of an architecture file."""
        return document.dump(self.to_dict())

    def save(self, path: Path | str) -> None:
        """Write the architecture file whole or not at all. Raises OSError."""
        files.write(Path(path), self.to_yaml())

    def key(self) -> str:
        """Return twelve hexadecimal digits, equal for equal networks in any process, whatever their names."""
        data = self.complete()
        del data["name"]
        return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:12]

    def complete(self) -> Json:
        """Return `to_dict` with every absent option at the paper's value and every number as a float."""
        data = self.to_dict()
        data["stem"] = _complete(STEMS, self.stem.kind, data["stem"])
        data["stages"] = [_complete(BLOCKS, s["block"], s) for s in data["stages"]]
        data["head"] = _complete(HEADS, self.head.kind, data["head"])
        return data

    def value(self, name: str | Decision) -> Scalar:
        """Return the value of a decision such as `stages.2.block`, the default of an absent option.

        Raises KeyError where the chosen kind has no such option, IndexError where there is no such stage, and
        ValueError for what is no name of a decision.
        """
        asked = Decision.parse(name) if isinstance(name, str) else name
        if asked.part == "resolution":
            return self.resolution
        spec = self.stages[asked.stage] if asked.part == "stages" else self.stem if asked.part == "stem" else self.head
        if asked.field in OWN[asked.part]:
            own: Scalar = getattr(spec, asked.field)
            return own
        if asked.field in spec.options:
            return spec.options[asked.field]
        kind = spec.block if isinstance(spec, StageSpec) else spec.kind
        default: Scalar = options_of(asked.registry, kind)[asked.field].default
        return default

    @property
    def options(self) -> list[Options]:
        """The options that are named, part by part: of the stem, the stages, the head."""
        return [self.stem.options, *(stage.options for stage in self.stages), self.head.options]

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """The shape of one image, `(channels, height, width)`."""
        return self.channels, self.resolution, self.resolution

    def layout(self) -> str:
        """Return the letters of the stages' blocks, such as `C-M-T-T`."""
        return "-".join(BLOCKS.get(s.block).letter for s in self.stages)

    def depths(self) -> str:
        """Return the stages' depths, such as `2-3-5-2`."""
        return "-".join(str(s.depth) for s in self.stages)


def check_letter(block: str) -> None:
    """Raise SettingError for a block from outside that has no letter of its own, by which layouts name it."""
    if BLOCKS.origin(block) == OURS:
        return
    letter = getattr(BLOCKS.get(block), "letter", None)
    said = f"block '{block}' of {BLOCKS.origin(block)}: its letter is {letter!r}"
    if not (isinstance(letter, str) and LETTER.fullmatch(letter)):
        raise SettingError(f'{said}; write one or two capitals, as in letter = "X"')
    for other in BLOCKS.at_hand():
        if other != block and getattr(BLOCKS.get(other), "letter", None) == letter:
            raise SettingError(f"{said}, which is that of '{other}'; write another one or two capitals")


def levels_read(head: str, options: Options) -> int:
    """Return how many of the stages' maps, the last ones, a kind of head reads with these options."""
    kind = HEADS.get(head)
    if not kind.wants_maps:
        return 1
    with told_as(f"levels_of(options) of head '{head}'"):
        return int(kind.levels_of(options))


def _stage(data: Json) -> StageSpec:
    return StageSpec(data.pop("block"), data.pop("depth"), data.pop("width"), data.pop("stride"), data)


def _complete(registry: Registry, kind: str, data: Json) -> Json:
    """Add absent options to `data` at the paper's values, with every number as a float: 4 equals 4.0."""
    full = data | {name: o.default for name, o in options_of(registry, kind).items() if name not in data}
    return {k: float(v) if isinstance(v, int) and not isinstance(v, bool) else v for k, v in full.items()}
