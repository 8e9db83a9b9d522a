"""Print the stems, blocks and heads that there are, with their options, for `nas spaces --blocks`."""

import inspect
from collections.abc import Iterator

from rich import box
from rich.table import Table

from nas.cli.tables import TIGHT
from nas.cli.terminal import Terminal, line, print_json
from nas.files import Json
from nas.network.options import options_of
from nas.registry import BLOCKS, HEADS, STEMS, Registry


def print_kinds(as_json: bool) -> None:
    """Print every kind with what it is, and its options with what they may be and their defaults."""
    found = {registry.noun: list(_kinds(registry)) for registry in (STEMS, BLOCKS, HEADS)}
    if as_json:
        print_json({f"{noun}s": kinds for noun, kinds in found.items()})
        return
    console = Terminal()
    for noun, kinds in found.items():
        table = Table(noun, "what it is, and its options: by default, allowed", box=box.SIMPLE_HEAD, padding=TIGHT)
        for kind in kinds:
            letter = f" ({kind['letter']})" if kind["letter"] else ""
            table.add_row(line((kind["name"], "bold"), letter), kind["about"])
            for one in kind["options"]:
                table.add_row("", line((one["name"], "bold"), f" {one['default']}; {one['allowed']}"))
        console.print(table)
    console.following("nas spaces cvt_family")


def _kinds(registry: Registry) -> Iterator[Json]:
    """Yield the kinds of a registry as plain data."""
    for name in registry.names():
        kind = registry.get(name)
        about = " ".join((inspect.getdoc(kind) or "").partition("\n\n")[0].split())
        letter = getattr(kind, "letter", "")
        options = [
            {"name": one.name, "default": one.default, "allowed": one.words}
            for one in options_of(registry, name).values()
        ]
        yield {"name": name, "letter": letter, "about": about, "options": options}
