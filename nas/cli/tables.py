"""A network and a search space, drawn as tables."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table

from nas.network.architecture import Architecture, Options
from nas.network.options import options_of
from nas.registry import BLOCKS
from nas.space.space import SearchSpace, slots

if TYPE_CHECKING:
    from nas.costs.counts import Cost, PartCost  # needs torch


def network_table(architecture: Architecture, known: "Cost") -> RenderableType:
    """A network drawn part by part: block, resolution, width, depth, parameters, multiply-adds; then the options."""
    title = f"{architecture.name}: {architecture.layout()} at {architecture.resolution} px"
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", padding=(0, 1, 0, 0))
    for heading in ("part", "block"):
        table.add_column(heading, no_wrap=True)
    for heading in ("map", "width", "depth", "params", "MMACs", ""):
        table.add_column(heading, justify="right", no_wrap=True)
    for part in known.parts:
        height, width = part.resolution
        table.add_row(
            part.name,
            part.kind,
            f"{height}x{width}",
            str(part.width),
            str(part.depth),
            f"{part.params:,}",
            f"{part.macs / 1e6:,.2f}",
            f"{part.macs / max(known.macs, 1):.0%}",
        )
    table.add_section()
    table.add_row("total", "", "", "", "", f"{known.params:,}", f"{known.macs / 1e6:,.2f}", "", style="bold")
    named = [architecture.stem.options, *(s.options for s in architecture.stages), architecture.head.options]
    texts = [_options(part, options) for part, options in zip(known.parts, named, strict=True)]
    if not any(texts):
        return table
    listed = Table("part", "options", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for part, text in zip(known.parts, texts, strict=True):
        if text:
            listed.add_row(part.name, text)
    return Group(table, listed)


def _options(part: "PartCost", named: Options) -> str:
    """The options that a file names, and any of which the block makes something else on its map."""
    if not part.name.startswith("stage "):
        return ", ".join(f"{name} {value}" for name, value in named.items())
    texts = []
    for name, option in options_of(BLOCKS, part.kind).items():
        value = named.get(name, option.default)
        remark = BLOCKS.get(part.kind).remark(name, value, part.resolution)
        if name in named or remark:
            texts.append(f"{name} {value}" + (f" ({remark})" if remark else ""))
    return ", ".join(texts)


def space_table(space: SearchSpace) -> Table:
    """A search space, one row for the stem, each stage and the head: what may stand there, how deep, how wide."""
    table = Table("where", "block", "depth", "width", "stride", box=box.SIMPLE_HEAD)
    for where, slot in slots(space):
        table.add_row(
            where,
            listed(map(slot.registry.label, slot.kinds)),
            listed(slot.depths),
            listed(slot.widths),
            listed(slot.strides),
        )
    return table


def options_table(space: SearchSpace) -> Table:
    """The options of each kind, one row for all stages where they are the same."""
    rows: dict[tuple[str, str], list[str]] = {}
    for where, slot in slots(space):
        for kind, named in slot.options.items():
            text = "   ".join(f"{name} [bold]{listed(values)}[/]" for name, values in named.items())
            if text:
                rows.setdefault((slot.registry.label(kind), text), []).append(where.removeprefix("stages."))
    table = Table("kind", "where", "options", box=box.SIMPLE_HEAD)
    for (kind, text), wheres in rows.items():
        shown = wheres[0] if wheres in (["stem"], ["head"]) else f"stages {', '.join(wheres)}"
        table.add_row(kind, shown, text)
    return table


def listed(values: Iterable[object]) -> str:
    """Choices in one cell: `1 | 2 | 4`."""
    return " | ".join(map(str, values))
