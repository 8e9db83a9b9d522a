"""Draw a network and a search space as tables."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from nas.cli.strip import Tower, towers
from nas.cli.terminal import Terminal, line
from nas.errors import told_as
from nas.evaluation.units import show, title
from nas.files import Json
from nas.network.architecture import Architecture, Options
from nas.network.options import options_of
from nas.registry import BLOCKS
from nas.space.space import SearchSpace, slots

if TYPE_CHECKING:
    from nas.costs.counts import Cost, PartCost  # needs torch
    from nas.training.full.verdict import Measured

TIGHT = (0, 1, 0, 0)  # padding of a table with many columns


def print_network(console: Terminal, architecture: Architecture, known: "Cost") -> None:
    """Draw a network: its stages as towers, then part by part, then its options."""
    print_towers(console, architecture, known)
    console.table(_parts(known), _parts_narrow(known))
    texts = options_texts(architecture, known)
    if any(texts):
        table = Table("part", "options", box=box.SIMPLE_HEAD, padding=TIGHT)
        for part, text in zip(known.parts, texts, strict=True):
            if text:
                table.add_row(part.name, text)
        console.print(table)


def print_towers(console: Terminal, architecture: Architecture, known: "Cost") -> None:
    """Draw the stages of a network as towers, under its name."""
    layout = architecture.layout()
    parts = zip(layout.split("-"), known.parts[1:-1], strict=True)
    stages = [Tower(p.kind, letter, p.depth, p.width, max(p.resolution), map_of(p)) for letter, p in parts]
    console.say((architecture.name, "bold"), f": {layout} at {architecture.resolution} px\n")
    for row in towers(stages, console.width):
        console.print(row, no_wrap=True)


def network_facts(architecture: Architecture, known: "Cost") -> Json:
    """Return a network and its costs, part by part, as plain data."""
    parts = zip(known.parts, architecture.options, strict=True)
    return {
        "name": architecture.name,
        "key": architecture.key(),
        "layout": architecture.layout(),
        "resolution": architecture.resolution,
        "params": known.params,
        "macs": known.macs,
        "parts": [asdict(part) | {"options": dict(own)} for part, own in parts],
    }


def _parts(known: "Cost") -> Table:
    """Draw a network part by part: block, map, width, depth, parameters, multiply-adds."""
    table = Table(box=box.SIMPLE_HEAD, padding=TIGHT)
    for heading in ("part", "block"):
        table.add_column(heading, no_wrap=True)
    for heading in ("map", "width", "depth", "params", "MACs", ""):
        table.add_column(heading, justify="right", no_wrap=True)
    for part in known.parts:
        costs = f"{part.params:,}", show("macs", part.macs), f"{part.macs / max(known.macs, 1):.0%}"
        table.add_row(part.name, part.kind, map_of(part), str(part.width), str(part.depth), *costs)
    table.add_section()
    table.add_row("total", "", "", "", "", f"{known.params:,}", show("macs", known.macs), "", style="bold")
    return table


def _parts_narrow(known: "Cost") -> Table:
    """Draw the same in few columns: what the towers do not show."""
    table = Table("part", "block", box=box.SIMPLE_HEAD, padding=TIGHT)
    for heading in ("params", "MACs"):
        table.add_column(heading, justify="right", no_wrap=True)
    for part in known.parts:
        table.add_row(part.name.removeprefix("stage "), part.kind, show("params", part.params), show("macs", part.macs))
    table.add_row("all", "", show("params", known.params), show("macs", known.macs), style="bold")
    return table


def map_of(part: "PartCost") -> str:
    """Write the size of the map that leaves a part: `14x14`."""
    height, width = part.resolution
    return f"{height}x{width}"


def options_texts(architecture: Architecture, known: "Cost") -> list[str]:
    """Write the options of each part that a file names, and those that the block remarks on for its map."""
    return [_options(part, named) for part, named in zip(known.parts, architecture.options, strict=True)]


def _options(part: "PartCost", named: Options) -> str:
    """Write the options that a file names, and those that the block remarks on for its map."""
    if not part.name.startswith("stage "):
        return ", ".join(f"{name} {value}" for name, value in named.items())
    texts = []
    for name, option in options_of(BLOCKS, part.kind).items():
        value = named.get(name, option.default)
        with told_as(f"remark(option, value, resolution) of block '{part.kind}'"):
            remark = BLOCKS.get(part.kind).remark(name, value, part.resolution)
        if name in named or remark:
            texts.append(f"{name} {value}" + (f" ({remark})" if remark else ""))
    return ", ".join(texts)


def metrics_table(heading: str, metrics: "Mapping[str, Measured]") -> Table:
    """Draw metrics with their intervals, by name."""
    table = Table(heading, "", "95 % interval", box=box.SIMPLE_HEAD)
    for name, one in metrics.items():
        table.add_row(title(name), show(name, one.value), f"{show(name, one.low)} to {show(name, one.high)}")
    return table


def space_tables(console: Terminal, space: SearchSpace) -> list[RenderableType]:
    """Draw a search space: what may stand at the stem, the stages and the head, and then the options of each kind."""
    return [console.fitting(_parts_offered(space), _parts_offered_narrow(space)),
            console.fitting(_options_offered(space, wheres=True), _options_offered(space, wheres=False))]  # fmt: skip


def _parts_offered(space: SearchSpace) -> Table:
    """Draw a row each for the stem, the stages and the head: kinds, depths, widths, strides."""
    table = Table("where", "block", "depth", "width", "stride", box=box.SIMPLE_HEAD, padding=TIGHT)
    for where, slot in slots(space):
        kinds = listed(map(slot.registry.label, slot.kinds))
        table.add_row(where, kinds, *map(listed, (slot.depths, slot.widths, slot.strides)))
    return table


def _parts_offered_narrow(space: SearchSpace) -> Table:
    """Draw the same in two columns."""
    table = Table("where", "what may stand there", box=box.SIMPLE_HEAD, padding=TIGHT)
    for where, slot in slots(space):
        offered = {"depth": slot.depths, "width": slot.widths, "stride": slot.strides}
        lines = [f"{name} {listed(values)}" for name, values in offered.items() if values]
        table.add_row(where, "\n".join([listed(map(slot.registry.label, slot.kinds)), *lines]))
    return table


def space_facts(space: SearchSpace) -> Json:
    """Return what a search space offers at the stem, each stage and the head, as plain data."""
    fields = ("kinds", "depths", "widths", "strides")
    return {
        "name": space.name,
        "size": space.size(),
        "resolutions": space.resolution,
        "channels": space.channels,
        "classes": space.classes,
        "parts": [
            {"part": where} | {name: getattr(slot, name) for name in fields} | {"options": slot.options}
            for where, slot in slots(space)
        ],
    }


def _options_offered(space: SearchSpace, *, wheres: bool) -> Table:
    """Draw the options of each kind, in one row for all stages where they are the same."""
    rows: dict[tuple[str, str], tuple[Text, list[str]]] = {}
    for where, slot in slots(space):
        for kind, named in slot.options.items():
            text = line(*(p for name, values in named.items() for p in (f"   {name} ", (listed(values), "bold"))))[3:]
            if text:
                label = slot.registry.label(kind), text.plain
                rows.setdefault(label, (text, []))[1].append(where.removeprefix("stages."))
    table = Table("kind", *(["where"] if wheres else []), "options", box=box.SIMPLE_HEAD, padding=TIGHT)
    table.columns[0].overflow = "fold"
    for (kind, _), (text, places) in rows.items():
        shown = places[0] if places in (["stem"], ["head"]) else f"stages {', '.join(places)}"
        if wheres:
            table.add_row(kind, shown, text)
        else:
            table.add_row(line(kind, (f"\n{shown}", "dim")), text)
    return table


def listed(values: Iterable[object]) -> str:
    """Write choices in one cell: `1 | 2 | 4`."""
    return " | ".join(map(str, values))


def size_of(space: SearchSpace) -> str:
    """Write the number of a space's networks: `1,234`, or `5.67e+08`."""
    size = space.size()
    return f"{size:,}" if size < 1e6 else f"{size:.3g}"
