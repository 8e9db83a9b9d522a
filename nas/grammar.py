"""The grammar of a space file and of an architecture file: one parser, one validator.

A space is an architecture file in which a value may be a list of choices or a range
`{from: 1, to: 4, step: 1}`. `block: any` offers every kind of block there is. A stage that offers a depth of 0
may be left out. Every error names the file, the line, the key and the remedy.
"""

import os
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

from nas.architecture import Architecture
from nas.document import Document, parse, read
from nas.errors import SpaceError
from nas.options import Scalar, options_of
from nas.registry import BLOCKS, HEADS, STEMS, Registry, suggest
from nas.space import Domain, SearchSpace, Slot, heads_behind, misfit

T = TypeVar("T")
MAX_CHOICES = 1000
ANY = "any"  # in a block's place: every kind that is registered


def _choices(value: Any) -> Any:
    """A scalar, a list of choices or a range as the tuple of its values."""
    values = _range(value) if isinstance(value, dict) else value
    values = values if isinstance(values, list) else [values]
    if not values:
        raise ValueError("an empty list offers no choice")
    if len(values) > MAX_CHOICES:
        raise ValueError(f"more than {MAX_CHOICES} choices")
    if any(isinstance(v, list | dict) for v in values):
        raise ValueError("a choice must be a single number, word or true/false, not a list or a mapping")
    if len({(isinstance(v, bool), v) for v in values}) < len(values):  # 4 and 4.0 are the same number
        raise ValueError("a choice is written twice")
    return tuple(values)


def _range(value: dict[str, Any]) -> list[Any]:
    """The values of `{from: a, to: b, step: c}`, both ends included."""
    if not {"from", "to"} <= set(value) <= {"from", "to", "step"}:
        raise ValueError("a range is written {from: 1, to: 4, step: 1}")
    start, stop, step = value["from"], value["to"], value.get("step", 1)
    if not all(isinstance(v, int) and not isinstance(v, bool) for v in (start, stop, step)):
        raise ValueError("the ends and the step of a range are whole numbers")
    if step < 1 or stop < start:
        raise ValueError("a range goes upwards: 'to' is at least 'from' and 'step' at least 1")
    if (stop - start) // step >= MAX_CHOICES:
        raise ValueError(f"more than {MAX_CHOICES} choices")
    return list(range(start, stop + 1, step))


Choices = Annotated[tuple[T, ...], BeforeValidator(_choices)]
Kinds = Choices[str]
Widths = Choices[Annotated[int, Field(ge=1, le=8192)]]
Depths = Choices[Annotated[int, Field(ge=0, le=64)]]
Strides = Choices[Literal[1, 2]]
Sides = Choices[Annotated[int, Field(ge=4, le=2048)]]
Values = Choices[Scalar]
KindOptions = dict[str, dict[str, Values]]


class _Part(BaseModel):
    """Keys that are not named here are options of the kind (or of each offered kind that has them)."""

    model_config = ConfigDict(strict=True, extra="allow", frozen=True)
    __pydantic_extra__: dict[str, Values]


class _Stem(_Part):
    kind: Kinds
    width: Widths


class _Stage(_Part):
    block: Kinds
    depth: Depths
    width: Widths
    stride: Strides
    blocks: KindOptions = {}

    @field_validator("block")
    @classmethod
    def _any(cls, kinds: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(BLOCKS.names()) if kinds == (ANY,) else kinds

    @field_validator("depth")
    @classmethod
    def _present(cls, depths: tuple[int, ...]) -> tuple[int, ...]:
        if not any(depths):
            raise ValueError("a stage needs a depth of at least 1; [0, 2] makes a stage that may be left out")
        return depths


class _Head(_Part):
    kind: Kinds = ("pool",)


class _File(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)
    name: Annotated[str, Field(min_length=1, max_length=100)] = "unnamed"
    resolution: Sides = (224,)
    channels: Annotated[int, Field(ge=1, le=1024)] = 3
    classes: Annotated[int, Field(ge=2, le=100_000)] = 1000
    stem: _Stem
    stages: Annotated[list[_Stage], Field(min_length=1, max_length=32)]
    blocks: KindOptions = {}
    head: _Head = Field(default_factory=lambda: _Head.model_validate({}))


def parse_space(doc: Document) -> SearchSpace:
    """The search space in a document. Raises SpaceError with file, line, key and remedy."""
    if doc.value is None:
        raise doc.error((), "empty; write at least 'name', 'stem' and 'stages'")
    if not isinstance(doc.value, dict):
        raise doc.error((), "a search space is a mapping with the keys name, stem, stages, head")
    try:
        file = _File.model_validate(doc.value)
    except ValidationError as error:
        raise _explain(doc, error) from None
    for kind, options in file.blocks.items():
        _check_kind(doc, ("blocks", kind), BLOCKS, kind)
        for option in options:
            _check_option(doc, ("blocks", kind, option), BLOCKS, kind, option, options[option])
    stages = [
        _slot(doc, ("stages", i), BLOCKS, stage, [file.blocks, stage.blocks]) for i, stage in enumerate(file.stages)
    ]
    head = _slot(doc, ("head",), HEADS, file.head, [])
    space = SearchSpace(
        name=file.name,
        resolution=file.resolution,
        channels=file.channels,
        classes=file.classes,
        stem=_slot(doc, ("stem",), STEMS, file.stem, []),
        stages=tuple(stages),
        head=head,
    )
    _check_ends(doc, space)
    return space


def _slot(
    doc: Document, key: tuple[str | int, ...], registry: Registry, part: _Part, shared: list[KindOptions]
) -> Slot:
    """One place of the space: its kinds, and for each the options that the file names."""
    field = "block" if isinstance(part, _Stage) else "kind"
    kinds: tuple[str, ...] = getattr(part, field)
    for kind in kinds:
        _check_kind(doc, (*key, field), registry, kind)
    if isinstance(part, _Stage):
        _check_stage_blocks(doc, key, part)
    inline = part.__pydantic_extra__
    for option, values in inline.items():
        _check_inline(doc, (*key, option), registry, kinds, option, values, type(part))
    options = {}
    for kind in kinds:
        named = {n: v for source in shared for n, v in source.get(kind, {}).items()}
        named |= {n: v for n, v in inline.items() if n in options_of(registry, kind)}
        options[kind] = {n: named[n] for n in options_of(registry, kind) if n in named}
    slot = Slot(
        registry,
        kinds,
        options,
        widths=_own(part, "width"),
        depths=_own(part, "depth"),
        strides=_own(part, "stride"),
    )
    if slot.widths:
        _check_widths(doc, key, slot)
    return slot


def _own(part: _Part, field: str) -> tuple[int, ...]:
    """The choices of a field; a stem's `stride` is an option of its kind, no field of every stem."""
    return getattr(part, field) if field in type(part).model_fields else ()


def _check_stage_blocks(doc: Document, key: tuple[str | int, ...], stage: _Stage) -> None:
    for kind, options in stage.blocks.items():
        if kind not in stage.block:
            raise doc.error((*key, "blocks", kind), f"this stage does not offer '{kind}'. {suggest(kind, stage.block)}")
        for option in options:
            _check_option(doc, (*key, "blocks", kind, option), BLOCKS, kind, option, options[option])


def _check_kind(doc: Document, key: tuple[str | int, ...], registry: Registry, kind: str) -> None:
    try:
        registry.check(kind, SpaceError)
    except SpaceError as error:
        raise doc.error(key, str(error)) from None


def _check_inline(
    doc: Document,
    key: tuple[str | int, ...],
    registry: Registry,
    kinds: tuple[str, ...],
    option: str,
    values: Domain,
    part: type[_Part],
) -> None:
    """An option written beside the kind: at least one offered kind must have it."""
    having = [kind for kind in kinds if option in options_of(registry, kind)]
    if not having:
        own = [*part.model_fields, *(n for kind in kinds for n in options_of(registry, kind))]
        raise doc.error(key, f"unknown key '{option}'. {suggest(option, dict.fromkeys(own))}")
    for kind in having:
        _check_option(doc, key, registry, kind, option, values)


def _check_option(
    doc: Document, key: tuple[str | int, ...], registry: Registry, kind: str, option: str, values: Domain
) -> None:
    """An option's name and each of its values against the constructor's parameter."""
    options = options_of(registry, kind)
    if option not in options:
        raise doc.error(key, f"the {registry.noun} '{kind}' has no option '{option}'. {suggest(option, options)}")
    for value in values:
        if not options[option].allows(value):
            raise doc.error(key, f"{value!r} is not allowed: write {options[option].words}")


def _check_widths(doc: Document, key: tuple[str | int, ...], slot: Slot) -> None:
    """Every kind must have a width at which it can stand."""
    for kind in slot.kinds:
        if slot.widths_of(kind):
            continue
        for option, default in ((n, o.default) for n, o in options_of(slot.registry, kind).items()):
            for value in slot.options[kind].get(option, (default,)):
                why = misfit(slot.registry, kind, option, value, slot.widths[0])
                if why:
                    raise doc.error((*key, "width"), f"{kind}: {why}; write another width or another {option}")


def _check_ends(doc: Document, space: SearchSpace) -> None:
    """A stage must remain, and whichever block stands last, a head must be able to follow it, and each head one."""
    last = space.last_stages()
    if all(slot.optional for slot in space.stages):
        raise doc.error(("stages",), "every stage may be left out; one at least must not offer a depth of 0")
    carriers = [kind for kind in BLOCKS.names() if BLOCKS.get(kind).carries_token]
    for i in last:
        bare = next((kind for kind in space.stages[i].kinds if not heads_behind(kind, space.head.kinds)), None)
        if bare:
            raise doc.error(
                ("stages", i, "block"),
                f"the head '{space.head.kinds[0]}' reads a class token, which '{bare}' does not carry: "
                f"in the last stage offer only {' or '.join(carriers)}, or choose another head",
            )
    ends = {kind for i in last for kind in space.stages[i].kinds}
    for head in space.head.kinds:
        if not any(heads_behind(kind, (head,)) for kind in ends):
            raise doc.error(("head", "kind"), f"'{head}' reads a class token: the last stage must offer "
                                              f"{' or '.join(carriers)}")  # fmt: skip


def _explain(doc: Document, error: ValidationError) -> SpaceError:
    """The first pydantic error as one sentence for a person."""
    first = error.errors(include_url=False)[0]
    key = _standing(doc.value, first["loc"])
    message, found = first["msg"], first["input"]
    if first["type"] == "missing":
        return doc.error(key, f"the key '{first['loc'][-1]}' is missing")
    if first["type"] == "extra_forbidden":
        return doc.error(key, f"unknown key '{first['loc'][-1]}'. {suggest(str(first['loc'][-1]), _File.model_fields)}")
    if first["type"] in ("model_type", "dict_type"):
        message = "a mapping is needed here, such as {kind: conv, width: 32}"
    if key[:1] == ("resolution",) and first["type"].endswith("_than_equal"):
        message += "; a side is 4 to 2048 pixels"
    shown = repr(found) if not isinstance(found, dict | list) else f"a {type(found).__name__}"
    return doc.error(key, f"found {shown}: {message.removeprefix('Value error, ')}")


def _standing(value: Any, path: Sequence[str | int]) -> tuple[str | int, ...]:
    """The part of a path that the data has: pydantic adds union members, tuple positions and missing keys."""
    found: list[str | int] = []
    for key in path:
        if not (key in value if isinstance(value, dict) else isinstance(value, list) and key in range(len(value))):
            break
        found.append(key)
        value = value[key]
    return tuple(found)


def folder() -> Path:
    """Where the search spaces lie that ship with nas (installed from a wheel, or beside the package)."""
    inside = Path(str(files("nas"))) / "search_spaces"
    return inside if inside.is_dir() else inside.parent.parent / "search_spaces"


def shipped() -> dict[str, Path]:
    """Every space that ships with nas, by name: the spaces first, then the published networks."""
    paths = [*sorted(folder().glob("*.yaml")), *sorted((folder() / "references").glob("*.yaml"))]
    return {path.stem: path for path in paths}


def find(name: str | Path) -> Document:
    """The document that a person means by a name that ships with nas or by a path."""
    path = Path(name)
    if str(name) in shipped():
        return read(shipped()[str(name)])
    if os.path.isdir(path):  # noqa: PTH112  (pathlib raises for names that are too long)
        raise SpaceError(f"{path} is a folder; name a YAML file in it")
    if not os.path.exists(path):  # noqa: PTH110
        raise SpaceError(f"no search space or architecture '{name}', nor a file of that name. "
                         f"{suggest(str(name), shipped())}")  # fmt: skip
    return read(path)


def load_space(source: str | Path | Mapping[str, Any]) -> SearchSpace:
    """A search space from the name of a shipped one, a path, or plain data.

    Raises SpaceError, with file, line, key and remedy, for whatever breaks the grammar.
    """
    if isinstance(source, Mapping):
        return parse_space(Document(dict(source), "space"))
    return parse_space(find(source))


def load_architecture(source: str | Path | Mapping[str, Any]) -> Architecture:
    """An architecture from the name of a shipped network, a path, or plain data.

    Raises SpaceError for whatever breaks the grammar, and where a list of choices stands for one value.
    """
    doc = Document(dict(source), "architecture") if isinstance(source, Mapping) else find(source)
    space = parse_space(doc)

    def refuse(name: str, values: Domain) -> Scalar:
        keys = tuple(int(k) if k.isdigit() else k for k in name.split("."))
        raise doc.error(keys, f"an architecture has one value here, found the choices {', '.join(map(str, values))}")

    return space.decide(refuse)


def to_dict(space: SearchSpace) -> dict[str, Any]:
    """The plain data of a space file; `load_space` reads it back as an equal space."""

    def some(values: Domain) -> Any:
        return values[0] if len(values) == 1 else list(values)

    def options(slot: Slot) -> dict[str, dict[str, Any]]:
        return {kind: {n: some(v) for n, v in named.items()} for kind, named in slot.options.items() if named}

    def merged(slot: Slot) -> dict[str, Any]:
        return {n: some(v) for named in slot.options.values() for n, v in named.items()}

    return {
        "name": space.name,
        "resolution": some(space.resolution),
        "channels": space.channels,
        "classes": space.classes,
        "stem": {"kind": some(space.stem.kinds), "width": some(space.stem.widths), **merged(space.stem)},
        "stages": [
            {"block": some(s.kinds), "depth": some(s.depths), "width": some(s.widths), "stride": some(s.strides)}
            | ({"blocks": options(s)} if options(s) else {})
            for s in space.stages
        ],
        "head": {"kind": some(space.head.kinds), **merged(space.head)},
    }


__all__ = ["load_architecture", "load_space", "parse", "parse_space", "shipped", "to_dict"]
