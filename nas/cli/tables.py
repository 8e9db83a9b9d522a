"""Draw a network and a search space as tables."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from nas.cli.terminal import line
from nas.network.architecture import Architecture, Options
from nas.network.options import options_of
from nas.registry import BLOCKS
from nas.space.space import SearchSpace, slots

if TYPE_CHECKING:
    from nas.costs.counts import Cost, PartCost  # needs torch


def network_table(architecture: Architecture, known: "Cost") -> RenderableType:
    """Draw a network part by part: block, resolution, width, depth, parameters, multiply-adds, and then its options."""
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
    """Write the options that a file names, and those that the block remarks on for its map."""
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
    """Draw a search space, a row each for the stem, the stages and the head: kinds, depths, widths, strides."""
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
    """Draw the options of each kind, in one row for all stages where they are the same."""
    rows: dict[tuple[str, str], tuple[Text, list[str]]] = {}
    for where, slot in slots(space):
        for kind, named in slot.options.items():
            text = line(*(p for name, values in named.items() for p in (f"   {name} ", (listed(values), "bold"))))[3:]
            if text:
                label = slot.registry.label(kind), text.plain
                rows.setdefault(label, (text, []))[1].append(where.removeprefix("stages."))
    table = Table("kind", "where", "options", box=box.SIMPLE_HEAD)
    for (kind, _), (text, wheres) in rows.items():
        shown = wheres[0] if wheres in (["stem"], ["head"]) else f"stages {', '.join(wheres)}"
        table.add_row(kind, shown, text)
    return table


def listed(values: Iterable[object]) -> str:
    """Write choices in one cell: `1 | 2 | 4`."""
    return " | ".join(map(str, values))


def size_of(space: SearchSpace) -> str:
    """Write the number of a space's networks: `1,234`, or `5.67e+08`."""
    size = space.size()
    return f"{size:,}" if size < 1e6 else f"{size:.3g}"
