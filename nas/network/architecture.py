"""Architecture: one decided network as frozen plain data, YAML in and out."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nas import document, files
from nas.network.options import Scalar, options_of
from nas.registry import BLOCKS, HEADS, STEMS, Registry

Options = Mapping[str, Scalar]


@dataclass(frozen=True)
class Stem:
    """What turns an image into the first feature map of `width` channels."""

    kind: str
    width: int
    options: Options = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Stage:
    """`depth` blocks of one kind; the first of them changes width and divides the resolution by `stride`."""

    block: str
    depth: int
    width: int
    stride: int
    options: Options = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Head:
    """What turns the last feature map into class scores."""

    kind: str
    options: Options = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Architecture:
    """One decided network. `resolution` is the side of its square input in pixels.

    An option that is absent has the paper's value, the default of the block's constructor.
    """

    stem: Stem
    stages: tuple[Stage, ...]
    head: Head
    name: str = "unnamed"
    resolution: int = 224
    channels: int = 3
    classes: int = 1000

    def to_dict(self) -> dict[str, Any]:
        """The plain data of an architecture file; `load_architecture` reads it back unchanged."""
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
        """The text of an architecture file."""
        return document.dump(self.to_dict())

    def save(self, path: Path | str) -> None:
        """Write the architecture file, whole or not at all."""
        files.write(Path(path), self.to_yaml())

    def key(self) -> str:
        """Twelve hexadecimal digits: equal for equal networks in any process, whatever their names."""
        data = self.complete()
        del data["name"]
        return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:12]

    def complete(self) -> dict[str, Any]:
        """`to_dict` with every absent option at the paper's value and every number as a float."""
        data = self.to_dict()
        data["stem"] = _complete(STEMS, self.stem.kind, data["stem"])
        data["stages"] = [_complete(BLOCKS, s["block"], s) for s in data["stages"]]
        data["head"] = _complete(HEADS, self.head.kind, data["head"])
        return data

    def value(self, name: str) -> Scalar:
        """What stands at a decision's name, such as `stages.2.block`; an absent option has its default."""
        place, *path = name.split(".")
        if place == "resolution":
            return self.resolution
        if place == "stages":
            stage = self.stages[int(path.pop(0))]
            own: dict[str, Scalar] = {"block": stage.block, "depth": stage.depth, "width": stage.width}
            own |= {"stride": stage.stride}
            registry, kind, options = BLOCKS, stage.block, stage.options
        elif place == "stem":
            own, options = {"kind": self.stem.kind, "width": self.stem.width}, self.stem.options
            registry, kind = STEMS, self.stem.kind
        else:
            own, options, registry, kind = {"kind": self.head.kind}, self.head.options, HEADS, self.head.kind
        defaults = {option: o.default for option, o in options_of(registry, kind).items()}
        values: dict[str, Scalar] = {**defaults, **options, **own}
        return values[path[-1]]

    def layout(self) -> str:
        """The stages as the letters of their blocks, e.g. `C-M-T-T`."""
        return "-".join(BLOCKS.get(s.block).letter for s in self.stages)


def _complete(registry: Registry, kind: str, data: dict[str, Any]) -> dict[str, Any]:
    """`data` with every absent option at the paper's value; 4 and 4.0 are the same number."""
    full = data | {name: o.default for name, o in options_of(registry, kind).items() if name not in data}
    return {k: float(v) if isinstance(v, int) and not isinstance(v, bool) else v for k, v in full.items()}
