"""Print a network part by part, or two beside each other with what differs, for `nas show`."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from rich import box
from rich.table import Table
from rich.text import Text

from nas.cli.tables import TIGHT, map_of, network_facts, print_network, print_towers
from nas.cli.terminal import Terminal, line, print_json
from nas.costs.counts import Cost, cost
from nas.evaluation.units import show
from nas.files import Json, quoted
from nas.network.architecture import Architecture, Options
from nas.network.options import options_of
from nas.record.networks import Found, find_network
from nas.registry import BLOCKS, HEADS, STEMS

OWN = ("kind", "depth", "width", "map", "classes")  # what parts have; the rest are options of a kind
MARK = "*"  # after a value that differs
Values = Mapping[str, object]
"""What a part is, by name: kind, depth, width, map, and every option."""


def show_network(name: str, runs: Path, flags: str, *, as_json: bool) -> None:
    """Print a network part by part. `flags` name its plug-in files in the commands that are proposed."""
    found, console = find_network(name, runs), Terminal()
    known = counted(found)
    if as_json:
        print_json(network_facts(found.architecture, known))
        return
    print_network(console, found.architecture, known)
    if remark := left_out(found):
        console.remark(remark)
    word, data = quoted(name), "" if found.run or found.trained else " --data NAME[:PATH]"
    console.following(f"nas profile {word}{flags}", f"nas train {word}{flags}{data}")


def counted(found: Found, architecture: Architecture | None = None) -> Cost:
    """Count the costs of a network, or of it at another resolution, its stages numbered as in its run's space."""
    known = cost(architecture or found.architecture)
    stem, *stages, head = known.parts
    numbered = [replace(part, name=f"stage {i}") for part, i in zip(stages, found.stages, strict=True)]
    return replace(known, parts=(stem, *numbered, head))


def left_out(found: Found) -> str:
    """Say that stages are numbered as in the space, where the network lacks some that come before others."""
    lacks = [str(i) for i in range(max(found.stages)) if i not in found.stages]
    noun = f"stage {lacks[0]} is" if len(lacks) == 1 else f"stages {', '.join(lacks)} are"
    return f"Stages are numbered as in the space of the search; {noun} left out." if lacks else ""


@dataclass(frozen=True)
class Costed:
    """One of two networks, with its costs."""

    architecture: Architecture
    known: Cost

    @classmethod
    def of(cls, name: str, runs: Path) -> "Costed":
        """Find a network by any name."""
        found = find_network(name, runs)
        return cls(found.architecture, counted(found))

    @property
    def named(self) -> dict[str, Options]:
        """The options that the file of the network names, by part."""
        pairs = zip(self.known.parts, self.architecture.options, strict=True)
        return {part.name: options for part, options in pairs}

    def parts(self) -> dict[str, Values]:
        """Return what each part is, with the defaults of options that the file does not name."""
        network = self.architecture
        found: dict[str, Values] = {"image": {"side": f"{network.resolution} px", "channels": network.channels}}
        registries = [STEMS, *[BLOCKS] * len(network.stages), HEADS]
        for part, registry in zip(self.known.parts, registries, strict=True):
            defaults = {name: option.default for name, option in options_of(registry, part.kind).items()}
            values = {"kind": part.kind, "depth": part.depth, "width": part.width, "map": map_of(part)}
            found[part.name] = values | defaults | dict(self.named[part.name])
        return found | {"head": {**found["head"], "classes": network.classes}}


def show_two(names: tuple[str, str], runs: Path, flags: str, *, as_json: bool) -> None:
    """Print two networks beside each other, with what differs marked, and their costs; once where they are the same."""
    one, other = (Costed.of(name, runs) for name in names)
    pairs, console = _pairs(one, other), Terminal()
    differs = [
        {"part": part, "value": name, "found": [values.get(name) for values in pair]}
        for part, pair in pairs.items()
        for name in _differing(*pair)
    ]
    if as_json:
        networks = [network_facts(each.architecture, each.known) for each in (one, other)]
        print_json({"networks": networks, "differs": differs, "ratios": _ratios(one, other)})
        return
    if one.architecture.key() == other.architecture.key() and not differs:
        console.say(f"{names[0]} and {names[1]} are the same network\n")
        show_network(names[0], runs, flags, as_json=False)
        return
    for each in (one, other):
        print_towers(console, each.architecture, each.known)
        console.print()
    console.print(_table(one, other, names, pairs))
    values = "value differs" if len(differs) == 1 else "values differ"
    console.remark(f"{len(differs)} {values}, marked {MARK}" if differs else "nothing differs")
    console.following(*(f"nas profile {quoted(name)}{flags}" for name in names))


def _pairs(one: Costed, other: Costed) -> dict[str, tuple[Values, Values]]:
    """Return each part of both networks; one that a network lacks is empty. Stages are matched by their number."""
    first, second = one.parts(), other.parts()
    stages = {part for part in (*first, *second) if part.startswith("stage ")}
    order = ("image", "stem", *sorted(stages, key=lambda part: int(part.split()[1])), "head")
    return {part: (first.get(part, {}), second.get(part, {})) for part in order}


def _differing(first: Values, second: Values) -> list[str]:
    """Name the values of a part that differ. Options are compared within one kind."""
    same = first.get("kind") == second.get("kind")
    names = dict.fromkeys((*first, *second))
    return [name for name in names if (same or name in OWN) and first.get(name) != second.get(name)]


def _ratios(one: Costed, other: Costed) -> Json:
    """How many times the parameters and multiply-adds of the first network the second one has."""
    return {name: getattr(other.known, name) / max(getattr(one.known, name), 1) for name in ("params", "macs")}


def _table(one: Costed, other: Costed, names: tuple[str, str], pairs: Mapping[str, tuple[Values, Values]]) -> Table:
    """Draw two networks part by part, each under the name that was typed for it."""
    table = Table("part", *names, box=box.SIMPLE_HEAD, padding=TIGHT)
    for part, pair in pairs.items():
        marked = _differing(*pair)
        table.add_row(
            part, *(_cell(values, marked, _named(each, part)) for each, values in zip((one, other), pair, strict=True))
        )
    table.add_section()
    for name, ratio in _ratios(one, other).items():
        first, second = (show(name, getattr(each.known, name)) for each in (one, other))
        table.add_row(name, first, f"{second} ({ratio:.3g} ×)", style="bold")
    return table


def _named(network: Costed, part: str) -> Collection[str]:
    """Name the values of a part that are shown although they do not differ."""
    return {"kind", "side", *network.named.get(part, ()), *(("depth", "width") if part.startswith("stage ") else ())}


def _cell(values: Values, marked: list[str], named: Collection[str]) -> Text:
    """Write a part's values, those that differ marked: its own, and the options that a file names or that differ."""
    if not values:
        return line((f"none{MARK}", "bold yellow"))
    pieces = []
    for name, value in values.items():
        text = str(value) if name in ("kind", "side") else f"{name} {value}"
        if name in marked:
            pieces.append(line((f"{text}{MARK}", "bold yellow")))
        elif name in named:
            pieces.append(line((text, "dim")))
    return Text(", ").join(pieces)
