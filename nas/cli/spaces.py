"""nas spaces: which search spaces and networks ship, and what a space holds."""

import re
from typing import TYPE_CHECKING, Annotated

import typer

from nas.cli.parameters import argument, first

if TYPE_CHECKING:
    from rich.console import Console


def spaces(
    space: Annotated[str | None, argument("SPACE", "A shipped one, or a YAML file.", "list them all")] = None,
    contains: Annotated[str | None, first("NETWORK", "Say whether the space holds this network.")] = None,
) -> None:
    """List the spaces and networks that ship, or show one space with its size."""
    from rich.console import Console

    console = Console()
    if space is None:
        _list(console)
    elif contains:
        _contains(console, space, contains)
    else:
        _show(console, space)


def _list(console: "Console") -> None:
    from rich import box
    from rich.table import Table

    from nas.space.library import shipped

    for title, published in (("search space", False), ("published network", True)):
        table = Table(title, "what it is", box=box.SIMPLE_HEAD)
        table.columns[0].no_wrap = True
        for name, path in shipped().items():
            if (path.parent.name == "references") == published:
                table.add_row(name, _about(path.read_text(encoding="utf-8")))
        console.print(table)
    console.print("Next:  nas spaces cvt_family\n       nas show coatnet_0", highlight=False)


def _about(text: str) -> str:
    """The first sentence of a file's header comment, without the paper's address."""
    comment = " ".join(line[1:].strip() for line in text.splitlines() if line.startswith("#"))
    plain = re.sub(r",? (and )?https://[^ ,]*[^ ,.:]| \((Tables?|section) [^)]*\)", "", comment)
    return plain.partition(". ")[0].removesuffix(".")


def _show(console: "Console", name: str) -> None:
    from nas.cli.tables import listed, options_table, space_table
    from nas.space.library import load_space

    space = load_space(name)
    size = space.size()
    count = f"{size:,}" if size < 1e6 else f"{size:.3g}"
    console.print(
        f"[bold]{space.name}[/]: [bold]{count}[/] networks, {listed(space.resolution)} px, {space.channels} channels, "
        f"{space.classes} classes (both from the data in a search)",
        highlight=False,
    )
    console.print(space_table(space))
    console.print(options_table(space))
    console.print(f"Next:  nas search --space {name} --budget 200", highlight=False, soft_wrap=True)


def _contains(console: "Console", name: str, network: str) -> None:
    from nas.errors import SpaceError
    from nas.space.library import load_architecture, load_space
    from nas.space.matching import locate

    architecture = load_architecture(network)
    space = load_space(name).fit(resolution=None, channels=architecture.channels, classes=architecture.classes)
    try:
        decisions = locate(space, architecture)
    except SpaceError as error:
        console.print(f"[bold]no[/]: {network} is not in {name}: {error}", highlight=False, soft_wrap=True)
        raise typer.Exit(1) from None
    console.print(f"[bold]yes[/]: {network} is a point of {name}, by {len(decisions)} decisions", highlight=False)
