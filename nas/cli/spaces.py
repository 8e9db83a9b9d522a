"""nas spaces and nas show: list what ships, show what a space holds, draw a network as a table."""

import os
import re
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.table import Table

from nas.cli.options import Plugins, Runs, argument, option, plugin_flags
from nas.cli.tables import listed, options_table, size_of, space_table
from nas.cli.terminal import Terminal
from nas.errors import SpaceError
from nas.evaluation.plugins import load_plugins
from nas.files import quoted
from nas.record.outside import load_beside
from nas.registry import from_outside
from nas.space.library import load_architecture, load_space, shipped
from nas.space.matching import locate
from nas.space.space import SearchSpace


def spaces(
    space: Annotated[str | None, argument("SPACE", "A shipped one, or a YAML file.", "list them all")] = None,
    contains: Annotated[str | None, option("NETWORK", "Say whether the space holds this network.")] = None,
    plugins: Plugins = [],  # noqa: B006
) -> None:
    """List the spaces and networks that ship, or show one space with its size."""
    load_plugins(*plugins)
    console = Terminal()
    if space is None:
        _list(console)
    elif contains:
        _contains(console, space, contains)
    else:
        _show(console, space, plugin_flags(plugins))


def _list(console: Terminal) -> None:
    for title, published in (("search space", False), ("published network", True)):
        table = Table(title, "what it is", box=box.SIMPLE_HEAD)
        table.columns[0].no_wrap = True
        for name, path in shipped().items():
            if (path.parent.name == "references") == published:
                table.add_row(name, _about(path.read_text(encoding="utf-8")))
        console.print(table)
    if kinds := from_outside():
        table = Table("kind from outside", "name", "from", box=box.SIMPLE_HEAD)
        for noun, name, origin in kinds:
            table.add_row(noun, name, origin)
        console.print(table)
    console.following("nas spaces cvt_family", "nas show coatnet_0")


def _about(text: str) -> str:
    """Take the first sentence of a file's header comment, without the paper's address."""
    comment = " ".join(line[1:].strip() for line in text.splitlines() if line.startswith("#"))
    plain = re.sub(r",? (and )?https://[^ ,]*[^ ,.:]| \((Tables?|section) [^)]*\)", "", comment)
    return plain.partition(". ")[0].removesuffix(".")


def _show(console: Terminal, name: str, flags: str) -> None:
    space = load_space(name)
    shape = f"{listed(space.resolution)} px, {space.channels} channels, {space.classes} classes"
    size = (size_of(space), "bold")
    console.say((space.name, "bold"), ": ", size, f" networks, {shape} (both from the data in a search)")
    console.print(space_table(space))
    console.print(options_table(space))
    console.following(f"nas search --space {quoted(name)}{flags} --budget 200")


def _contains(console: Terminal, name: str, network: str) -> None:
    architecture = load_architecture(network)
    space = load_space(name).fit(resolution=None, channels=architecture.channels, classes=architecture.classes)
    try:
        decisions = locate(space, architecture)
    except SpaceError as error:
        console.say(("no", "bold"), f": {network} is not in {name}: {error}")
        raise typer.Exit(1) from None
    console.say(("yes", "bold"), f": {network} is a point of {name}, by {len(decisions)} decisions")


def find_space(name: str) -> SearchSpace | None:
    """Load the space or network in a file, after what it uses from outside nas, or None where `name` is no file."""
    path = shipped().get(name, Path(name))
    if not os.path.isfile(path) or path.suffix == ".safetensors":  # noqa: PTH113  (pathlib raises for long names)
        return None
    load_beside(path)
    return load_space(path)


def show(
    network: Annotated[str, argument("NETWORK", "A run (RUN:accuracy), training, YAML, published.")],
    runs: Runs = Path("runs"),
    plugins: Plugins = [],  # noqa: B006
) -> None:
    """Draw a network as a table: its stages, their blocks, parameters, multiply-adds."""
    load_plugins(*plugins)
    from nas.cli.profiling import show_network  # needs torch

    show_network(network, runs, plugin_flags(plugins))
