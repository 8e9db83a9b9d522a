"""nas spaces: list what ships, show what a space holds."""

import os
import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.table import Table

from nas import document, files
from nas.cli.completion import networks, spaces_and_networks
from nas.cli.kinds import print_kinds
from nas.cli.options import DEFAULTS, AsJson, Plugins, Runs, argument, option
from nas.cli.tables import TIGHT, listed, size_of, space_facts, space_tables
from nas.cli.terminal import Terminal, print_json
from nas.errors import SettingError, SpaceError
from nas.evaluation.plugins import load_plugins, plugin_flags
from nas.files import check_place, quoted, readable
from nas.record.folders import ELSEWHERE
from nas.record.outside import load_beside
from nas.registry import from_outside
from nas.space.grammar import parse_space, to_dict
from nas.space.library import load_space, shipped
from nas.space.matching import locate
from nas.space.space import SearchSpace
from nas.training.catalogue import task_of_head


def spaces(
    space: Annotated[
        str | None, argument("SPACE", "A shipped one, or a YAML file.", "list them all", spaces_and_networks)
    ] = None,
    contains: Annotated[
        str | None, option("NETWORK", "Say whether the space holds this network.", names=networks)
    ] = None,
    blocks: Annotated[bool, option("", "List stems, blocks and heads with their options.", "--blocks")] = False,
    output: Annotated[
        Path | None, option("FILE", "Write a copy of the space, to change it.", "--output", "-o", default="none")
    ] = None,
    force: Annotated[bool, option("", "Overwrite what is there.", "--force")] = False,
    as_json: AsJson = False,
    runs: Runs = Path("runs"),
    plugins: Plugins = [],  # noqa: B006
) -> None:
    """List the spaces and networks that ship, or show or copy one space."""
    load_plugins(*plugins)
    console = Terminal()
    asked = {"--blocks": blocks, "--contains NETWORK": contains is not None, "-o FILE": output is not None}
    named = [option for option, is_asked in asked.items() if is_asked]
    if len(named) > 1:
        raise SettingError(f"{named[0]} and {named[1]}: one at a time; leave one out")
    if blocks:
        if space is not None:
            raise SettingError("--blocks lists all that any space may offer; leave the other names out")
        print_kinds(as_json)
    elif space is None and named:
        raise SettingError(f"{named[0]} is about one search space; name it: nas spaces SPACE {named[0]}")
    elif space is None:
        _list(console, as_json)
    elif output is not None:
        _copy(console, space, output, plugin_flags(plugins), force=force, as_json=as_json)
    elif contains is not None:
        _contains(console, space, contains, runs, as_json)
    else:
        _show(console, space, plugin_flags(plugins), as_json)


def _list(console: Terminal, as_json: bool) -> None:
    files = shipped()
    about = {name: _about(path.read_text(encoding="utf-8")) for name, path in files.items()}
    networks = {name: said for name, said in about.items() if files[name].parent.name == "references"}
    spaces = {name: said for name, said in about.items() if name not in networks}
    if as_json:
        outside = [dict(zip(("kind", "name", "from"), kind, strict=True)) for kind in from_outside()]
        print_json({"spaces": spaces, "networks": networks, "from_outside": outside})
        return
    for title, named in (("search space", spaces), ("published network", networks)):
        table = Table(title, "what it is", box=box.SIMPLE_HEAD, padding=TIGHT)
        table.columns[0].no_wrap = True
        for name, said in named.items():
            table.add_row(name, said)
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


def _show(console: Terminal, name: str, flags: str, as_json: bool) -> None:
    space = load_space(name)
    if as_json:
        print_json(space_facts(space))
        return
    shape = f"{listed(space.resolution)} px, {space.channels} channels, {space.classes} classes"
    size = (size_of(space), "bold")
    given = "all" if len(space.resolution) == 1 else "channels and classes"
    console.say((space.name, "bold"), ": ", size, f" networks, {shape} ({given} from the data in a search)")
    for table in space_tables(console, space):
        console.print(table)
    console.following(_search(name, space, flags))


def _copy(console: Terminal, name: str, path: Path, flags: str, *, force: bool, as_json: bool) -> None:
    """Write a space as a file of its own, named like the file, without what is said of the shipped one."""
    space = load_space(name)
    check_place(path, force, "mine.yaml")
    files.write(path, f"# Began as a copy of {readable(name)}.\n{_renamed(name, space, readable(path.stem)[:100])}")
    if as_json:
        print_json({"space": name, "file": str(path)})
        return
    console.say(f"  {path}  a copy of {name}, to change")
    console.following(f"nas spaces {quoted(path)}{flags}", _search(path, space, flags))


def _renamed(name: str, space: SearchSpace, now: str) -> str:
    """Return a space's text with another name, without its comments where its own name is no plain line of it."""
    text = shipped().get(name, Path(name)).read_text(encoding="utf-8-sig")
    body = re.sub(r"\A(?:#.*\n|\s*\n)*|^name:.*\n", "", text, flags=re.MULTILINE)
    wanted, copy = replace(space, name=now), document.dump({"name": now}).strip("{}\n") + f"\n{body}"
    with suppress(SpaceError):
        if parse_space(document.parse(copy)) == wanted:
            return copy
    return document.dump(to_dict(wanted))


def _search(name: str | Path, space: SearchSpace, flags: str) -> str:
    """Write the command that searches a space, for the task of its heads."""
    return f"nas search --space {quoted(name)}{task_flag(task_for(space))}{flags} --budget 200"


def task_flag(task: str) -> str:
    """Write the option of a command that names a task, or nothing for the usual one."""
    return f" --task {task}" if task != DEFAULTS.task else ""


def task_for(space: SearchSpace) -> str:
    """Name the task that the heads of a space are for."""
    return task_of_head(space.head.kinds[0])


def _contains(console: Terminal, name: str, network: str, runs: Path, as_json: bool) -> None:
    from nas.record.networks import find_network  # needs torch

    architecture, space = find_network(network, runs).architecture, load_space(name)
    other = architecture.resolution not in space.resolution  # of the data in a search, as channels and classes are
    decisions, why, side = None, "", architecture.resolution if other else None
    fitted = space.fit(resolution=side, channels=architecture.channels, classes=architecture.classes)
    try:
        decisions = locate(fitted, architecture)
    except SpaceError as error:
        why = str(error)
    if as_json:
        inside = decisions is not None
        facts = {"space": name, "network": network, "contains": inside, "decisions": decisions, "why": why}
        print_json(facts | {"resolution": architecture.resolution, "resolutions": space.resolution})
    elif decisions is None:
        console.say(("no", "bold"), f": {network} is not in {name}: {why}")
    else:
        at = f", at {side} px where the file says {listed(space.resolution)}: a search's is the data's" if side else ""
        console.say(("yes", "bold"), f": {network} is a point of {name}, by {len(decisions)} decisions{at}")
    if decisions is None:
        raise typer.Exit(1)


def find_space(name: str) -> SearchSpace | None:
    """Load the space or network in a file, after what it uses from outside nas, or None where `name` is no file."""
    path = shipped().get(name, Path(name))
    if not os.path.isfile(path) or path.suffix in {".safetensors", *ELSEWHERE}:  # noqa: PTH113  (pathlib raises for long names)
        return None
    load_beside(path)
    return load_space(path)
