"""The one parser and validator of space files and architecture files.

A space is an architecture file in which a value may be a list of choices or a range
`{from: 1, to: 4, step: 1}`. `block: any` offers every kind of block. A stage that offers a depth of 0 may be left out.
Every error names the file, the line, the key and the remedy.
"""

from collections.abc import Mapping
from typing import Any

from nas.document import Document
from nas.errors import SpaceError
from nas.files import Json
from nas.network.architecture import check_letter, levels_read
from nas.network.options import options_of
from nas.registry import BLOCKS, HEADS, STEMS, Registry, suggest
from nas.space.schema import KindOptions, PartKeys, SpaceFile, StageKeys, fields, shown, span
from nas.space.slot import Domain, Slot, heads_after, misfit
from nas.space.space import SearchSpace


def parse_space(doc: Document) -> SearchSpace:
    """Read the search space in a document. Raises SpaceError with file, line, key and remedy."""
    file = fields(doc)
    for kind, options in file.blocks.items():
        _check_kind(doc, ("blocks", kind), BLOCKS, kind)
        for option in options:
            _check_option(doc, ("blocks", kind, option), BLOCKS, kind, option, options[option])
    stages = [_slot(doc, ("stages", i), BLOCKS, stage, file.blocks) for i, stage in enumerate(file.stages)]
    _check_offered(doc, file)
    stem = _slot(doc, ("stem",), STEMS, file.stem, {})
    _check_values(doc, file, stem, stages)
    head = _slot(doc, ("head",), HEADS, file.head, {})
    _check_head(doc, head)
    space = SearchSpace(
        name=file.name,
        resolution=file.resolution,
        channels=file.channels,
        classes=file.classes,
        stem=stem,
        stages=tuple(stages),
        head=head,
    )
    _check_ends(doc, space)
    _check_levels(doc, space)
    return space


def _slot(doc: Document, key: tuple[str | int, ...], registry: Registry, part: PartKeys, shared: KindOptions) -> Slot:
    """Read one part of the space: its kinds, and for each the options that the file names, the narrowest last."""
    field = "block" if isinstance(part, StageKeys) else "kind"
    kinds: tuple[str, ...] = getattr(part, field)
    for kind in kinds:
        _check_kind(doc, (*key, field), registry, kind)
    own: KindOptions = {}
    if isinstance(part, StageKeys):
        _check_stage_blocks(doc, key, part)
        own = part.blocks
    inline = part.__pydantic_extra__
    for option, values in inline.items():
        _check_inline(doc, (*key, option), registry, kinds, option, values, type(part))
    options = {}
    for kind in kinds:
        named = {**shared.get(kind, {}), **inline, **own.get(kind, {})}
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


def _own(part: PartKeys, field: str) -> tuple[int, ...]:
    """Return the choices of a field, if the part has it: a stem's `stride` is an option of its kind."""
    return getattr(part, field) if field in type(part).model_fields else ()


def _check_offered(doc: Document, file: SpaceFile) -> None:
    """Require a stage that offers each kind with options for the whole space."""
    offered = dict.fromkeys(kind for stage in file.stages for kind in stage.block)
    if lost := next((kind for kind in file.blocks if kind not in offered), None):
        raise doc.error(("blocks", lost), f"no stage offers '{lost}'. {suggest(lost, offered)}")


def _check_stage_blocks(doc: Document, key: tuple[str | int, ...], stage: StageKeys) -> None:
    for kind in stage.block:
        check_letter(kind)
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
    part: type[PartKeys],
) -> None:
    """Require one offered kind at least to have an option that is written beside them."""
    having = [kind for kind in kinds if option in options_of(registry, kind)]
    if not having:
        own = dict.fromkeys([*part.model_fields, *(n for kind in kinds for n in options_of(registry, kind))])
        if others := [kind for kind in registry.at_hand() if option in options_of(registry, kind)]:
            here = "this stage" if registry is BLOCKS else f"the {registry.noun}"
            raise doc.error(key, f"'{option}' is an option of {', '.join(others)}, which {here} does not offer. "
                                 f"Allowed: {', '.join(own)}.")  # fmt: skip
        raise doc.error(key, f"unknown key '{option}'. {suggest(option, own)}")
    laws = {options_of(registry, kind)[option].words for kind in having}
    for kind in having:
        whose = f" for the {registry.noun} '{kind}', and all that have '{option}' share its values"
        _check_option(doc, key, registry, kind, option, values, whose if len(laws) > 1 else "")


def _check_option(
    doc: Document,
    key: tuple[str | int, ...],
    registry: Registry,
    kind: str,
    option: str,
    values: Domain,
    whose: str = "",
) -> None:
    """Check an option's name and each of its values against the constructor's parameter."""
    options = options_of(registry, kind)
    if option not in options:
        raise doc.error(key, f"the {registry.noun} '{kind}' has no option '{option}'. {suggest(option, options)}")
    for value in values:
        if not options[option].allows(value):
            raise doc.error(key, f"{shown(value)} is not allowed{whose}{options[option].remedy(value)}{span(value)}")


def _check_widths(doc: Document, key: tuple[str | int, ...], slot: Slot) -> None:
    """Require a width that suits each kind, and a kind that each width suits."""
    useless = [(kind, slot.widths[0]) for kind in slot.kinds if not slot.widths_of(kind)]
    suited = {width for kind in slot.kinds for width in slot.widths_of(kind)}
    useless += [(slot.kinds[0], width) for width in slot.widths if width not in suited]
    for kind, width in useless:
        for option, default in ((n, o.default) for n, o in options_of(slot.registry, kind).items()):
            for value in slot.options[kind].get(option, (default,)):
                if why := misfit(slot.registry, kind, option, value, width):
                    raise doc.error((*key, "width"), f"{kind}: {why}; write another width or another {option}")


def _check_values(doc: Document, file: SpaceFile, stem: Slot, stages: list[Slot]) -> None:
    """Require a width that suits each value of an option, in one stage at least of those that offer the value."""
    _check_suited(doc, ("stem",), [stem], stem.kinds, file.stem.__pydantic_extra__)
    for i, stage in enumerate(file.stages):
        _check_suited(doc, ("stages", i), stages, stage.block, stage.__pydantic_extra__)
        for kind, named in stage.blocks.items():
            _check_suited(doc, ("stages", i, "blocks", kind), stages, (kind,), named)
    for kind, named in file.blocks.items():
        _check_suited(doc, ("blocks", kind), stages, (kind,), named)


def _check_suited(
    doc: Document, key: tuple[str | int, ...], slots: list[Slot], kinds: tuple[str, ...], named: Mapping[str, Domain]
) -> None:
    offering = [(slot, kind) for slot in slots for kind in kinds if kind in slot.kinds]
    for option, value in ((n, v) for n in named for v in named[n]):
        users = [(slot, kind) for slot, kind in offering if value in slot.options[kind].get(option, ())]
        whys = [
            f"{kind}: {why}" if (why := misfit(slot.registry, kind, option, value, width)) else ""
            for slot, kind in users
            for width in slot.widths_of(kind)
        ]
        if whys and all(whys):
            raise doc.error((*key, option), f"{shown(value)} suits no width: {whys[0]}; write another {option} or "
                                            "another width")  # fmt: skip


def _check_head(doc: Document, slot: Slot) -> None:
    """Require that each width of a head's own, where it has one, suits each value of its other options."""
    for kind in slot.kinds:
        values = {n: slot.options[kind].get(n, (o.default,)) for n, o in options_of(HEADS, kind).items()}
        for width in values.get("width", ()):
            for option, value in ((n, v) for n in values for v in values[n]):
                if why := misfit(HEADS, kind, option, value, int(width)):
                    key = option if option in slot.options[kind] else "width"
                    raise doc.error(("head", key), f"{kind}: {why}; write another width or another {option}")


def _check_ends(doc: Document, space: SearchSpace) -> None:
    """Require a stage that stays, a head that can follow each last block, and such a block for each head."""
    last = space.last_stages()
    if all(slot.optional for slot in space.stages):
        raise doc.error(("stages",), "every stage may be left out; one at least must not offer a depth of 0")
    carriers = [kind for kind in BLOCKS.at_hand() if BLOCKS.get(kind).carries_token]
    for i in last:
        bare = next((kind for kind in space.stages[i].kinds if not heads_after(kind, space.head.kinds)), None)
        if bare:
            where = "the last stage" if i == max(last) else f"stage {i}, the last where those after it are left out,"
            raise doc.error(
                ("stages", i, "block"),
                f"the head '{space.head.kinds[0]}' reads a class token, which '{bare}' does not carry: "
                f"in {where} offer only {' or '.join(carriers)}, or choose another head",
            )
    ends = {kind for i in last for kind in space.stages[i].kinds}
    for head in space.head.kinds:
        if not any(heads_after(kind, (head,)) for kind in ends):
            raise doc.error(("head", "kind"), f"'{head}' reads a class token: the last stage must offer "
                                              f"{' or '.join(carriers)}")  # fmt: skip


def _check_levels(doc: Document, space: SearchSpace) -> None:
    """Require as many stages that always stay as a head reads maps of: further `levels` would make equal networks."""
    staying = sum(not slot.optional for slot in space.stages)
    for kind in space.head.kinds:
        named = space.head.options[kind]
        for value in named.get("levels", ()):
            first = {option: values[0] for option, values in named.items()}
            if (read := levels_read(kind, first | {"levels": value})) > staying:
                stay = "1 stage always stays" if staying == 1 else f"{staying} stages always stay"
                raise doc.error(("head", "levels"), f"with {value} the head '{kind}' reads the maps of {read} stages, "
                                f"and {stay}; write {staying} at most, or more stages")  # fmt: skip


def to_dict(space: SearchSpace) -> Json:
    """Return the plain data of a space file, which `load_space` reads as an equal space."""

    def some(values: Domain) -> Any:
        return values[0] if len(values) == 1 else list(values)

    def options(slot: Slot) -> dict[str, Json]:
        return {kind: {n: some(v) for n, v in named.items()} for kind, named in slot.options.items() if named}

    def merged(slot: Slot) -> Json:
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
