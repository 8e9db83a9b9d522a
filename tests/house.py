"""Measure the shape of the package from its source, each measure with its goal.

    python tests/house.py [ROOT]      ROOT: the folder that holds nas/ and pyproject.toml, by default this checkout

tests/test_house.py counts the networks built for one trial, which the source does not show.
"""

import ast
import statistics
import sys
import tomllib
from collections import defaultdict
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

Arcs = dict[str, set[str]]
Function = ast.FunctionDef | ast.AsyncFunctionDef
HARMLESS = {"names", "at_hand", "check", "label", "origin", "origins", "noun", "folder", "telling"}
"""The attributes of a Registry that import no kind."""


class Module:
    """A file of nas/: its name, lines and syntax tree."""

    def __init__(self, path: Path, root: Path) -> None:
        self.where = str(path.relative_to(root))
        parts = path.relative_to(root).with_suffix("").parts
        self.name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        self.lines = path.read_text().splitlines()
        self.tree = ast.parse("\n".join(self.lines))
        self.nodes = list(ast.walk(self.tree))
        self.parents = {child: node for node in self.nodes for child in ast.iter_child_nodes(node)}
        self.folder = ".".join(parts[:-1])
        self.functions = [node for node in self.nodes if isinstance(node, Function)]

    @cached_property
    def imports(self) -> list[tuple[ast.stmt, str, str]]:
        """Each own import, also in functions and under TYPE_CHECKING: node, module, name or ""."""
        found: list[tuple[ast.stmt, str, str]] = []
        for node in self.nodes:
            if isinstance(node, ast.Import):
                found += [(node, alias.name, "") for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                package = ".".join(self.folder.split(".")[: 1 - node.level or None]) if node.level else ""
                module = ".".join(filter(None, (package, node.module)))
                found += [(node, module, alias.name) for alias in node.names]
        return [(node, module, name) for node, module, name in found if module.split(".")[0] == "nas"]


class House:
    """All modules of nas/ and the arcs between them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.modules = {m.name: m for m in (Module(path, root) for path in sorted((root / "nas").rglob("*.py")))}
        settings = tomllib.loads((root / "pyproject.toml").read_text())
        contracts = settings["tool"]["importlinter"]["contracts"]
        self.contract = next(c for c in contracts if c["type"] == "layers")

    def imported(self, module: Module) -> list[tuple[int, str]]:
        """The line and the module of each own import."""
        return [(node.lineno, f"{m}.{n}" if f"{m}.{n}" in self.modules else m) for node, m, n in module.imports]

    @cached_property
    def arcs(self) -> Arcs:
        """The modules that each imports, by a statement or at run time as a kind of a registry.

        An import of a submodule also has an arc to the `__init__` of each package around it, which it runs, apart from
        the packages around the importer, which have run before.
        """
        arcs: Arcs = {}
        for module in self.modules.values():
            reached = {target for _, target in self.imported(module)} | self._loaded(module)
            for target in list(reached):
                reached |= {p for p in _around(target) if not f"{module.name}.".startswith(f"{p}.")}
            arcs[module.name] = (reached & self.modules.keys()) - {module.name}
        return arcs

    @cached_property
    def kinds(self) -> dict[str, set[str]]:
        """The modules of each registry's kinds by the name of its constant, without those that begin with `_`."""
        kinds = {}
        for node in self.modules["nas.registry"].tree.body:
            match node:
                case ast.Assign([ast.Name(constant)], ast.Call(ast.Name("Registry"), [ast.Constant(str(folder)), *_])):
                    package = "nas." + folder.replace("/", ".")
                    inside = {name for name in self.modules if name.rpartition(".")[0] == package}
                    kinds[constant] = {name for name in inside if not _private(name)}
        assert kinds, "nas/registry.py names no Registry"
        return kinds

    def _loaded(self, module: Module) -> set[str]:
        """Return the kinds that a module may import through a registry, rather too many than too few.

        A module that names a registry counts as loading every kind of it, unless it only uses what imports none
        (HARMLESS), compares it, or hands it to a function of its own file that does no more. A function that takes a
        registry from another file does not count, as the file that names the registry does.
        """
        if module.name == "nas.registry":
            return set()
        taking = {f.name: names for f in module.functions if (names := _registries(f))}
        passed_on = {name for names in taking.values() for name in names}
        constants = {name for _, _, name in module.imports} & self.kinds.keys()
        uses: defaultdict[str, set[str]] = defaultdict(set)
        for node in module.nodes:
            match node:
                case ast.Name(name) if name in constants | passed_on:
                    uses[name].add(_use(node, module.parents, taking))
                case ast.Attribute(attr=name) if name in self.kinds:
                    uses[name].add(_use(node, module.parents, taking))
                case ast.alias(name, str()) if name in self.kinds:  # another name, which is not followed
                    uses[name].add("loads")
        harmful = any("loads" in uses[name] for name in passed_on - constants)
        loading = {c for c in self.kinds if "loads" in uses[c] or (harmful and "hands on" in uses[c])}
        return {kind for constant in loading for kind in self.kinds[constant]}

    @cached_property
    def floors(self) -> dict[str, tuple[int, int]]:
        """Floor, counted from the top, and position on it of each module and room. Those that `:` joins share one."""
        return {
            name.strip(): (floor, position)
            for floor, layer in enumerate(self.contract["layers"])
            for position, names in enumerate(layer.split("|"))
            for name in names.split(":")
        }


def _around(module: str) -> Iterator[str]:
    """Yield the packages that a module is in."""
    parts = module.split(".")
    return (".".join(parts[:n]) for n in range(1, len(parts)))


def _registries(function: Function) -> set[str]:
    """Return the parameters of a function that are registries."""
    arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    return {a.arg for a in arguments if a.annotation and "Registry" in ast.unparse(a.annotation)}


def _use(node: ast.expr, parents: dict[ast.AST, ast.AST], taking: Container[str]) -> str:
    """Tell how a registry is used at a node: "asks", "loads", or "hands on" to a function of the same file."""
    match parents[node]:
        case ast.Attribute(attr=attribute) if attribute in HARMLESS:
            return "asks"
        case ast.Compare():
            return "asks"
        case ast.Call(func=ast.Name(called)) if called in taking:
            return "hands on"
        case ast.arguments():  # a default
            return "hands on"
    return "loads"


def _way(arcs: Arcs, start: str, goal: str) -> list[str]:
    """Find the shortest way from one module to another, of one arc at least, or none."""
    before: dict[str, str] = {}
    queue = [start]
    for module in queue:
        for after in sorted(arcs[module] - before.keys()):
            before[after] = module
            queue.append(after)
    if goal not in before:
        return []
    way = [goal]
    while len(way) == 1 or way[-1] != start:
        way.append(before[way[-1]])
    return way[::-1]


def cycles(house: House) -> list[str]:
    """Find sets of modules that all reach each other: the shortest way round, and the number of modules.

    Before the house was redrawn there were two; the issue counted one. The other went through `import nas` in a module
    of a Ray executor, and back over what `nas/__init__.py` imports under TYPE_CHECKING and a registry.
    """
    round_trips = {module: _way(house.arcs, module, module) for module in house.arcs}
    left, found = {module for module, way in round_trips.items() if way}, []
    while left:
        start = min(left, key=lambda module: (len(round_trips[module]), module))
        together = {m for m in left if m == start or (_way(house.arcs, start, m) and _way(house.arcs, m, start))}
        found.append(f"{' -> '.join(round_trips[start])} ({len(together)} modules)")
        left -= together
    return found


def arcs_up(house: House) -> list[str]:
    """Find imports of a higher floor, or of a neighbour on the same one."""
    found = []
    for module, targets in house.arcs.items():
        for target in sorted(targets):
            here, there = (house.floors.get(name.partition(".")[2].partition(".")[0]) for name in (module, target))
            if here and there and here != there and there[0] <= here[0]:
                found.append(f"{module} -> {target}")
    return found


def private_imports(house: House) -> list[str]:
    """Find imports of modules called `_something` from outside their folder."""
    found = []
    for module in house.modules.values():
        for line, target in sorted(set(house.imported(module))):
            homes = [p.rpartition(".")[0] for p in (*_around(target), target) if _private(p)]
            if any(not f"{module.folder}.".startswith(f"{home}.") for home in homes):
                found.append(f"{module.where}:{line} {target}")
    return found


def _private(module: str) -> bool:
    name = module.rpartition(".")[2]
    return name.startswith("_") and not name.endswith("__")


def inner_imports(house: House) -> list[str]:
    """Find own imports inside functions."""
    found = []
    for module in house.modules.values():
        inside = {node for function in module.functions for node in ast.walk(function)}
        waiting = {(node.lineno, target) for node, target, _ in module.imports if node in inside}
        found += [f"{module.where}:{line} {target}" for line, target in sorted(waiting)]
    return found


def long_functions(house: House) -> list[str]:
    """Find functions over 40 lines from `def` to the last line, docstring included, decorators not."""
    return [
        f"{module.where}:{f.lineno} {f.name}: {length}"
        for module in house.modules.values()
        for f in module.functions
        if (length := (f.end_lineno or 0) - f.lineno + 1) > 40
    ]


def _at_root(house: House) -> list[str]:
    return [m.where for m in house.modules.values() if m.folder == "nas" and m.name != "nas"]


def _rooms(house: House) -> list[str]:
    return sorted({m.where.split("/")[1] for m in house.modules.values() if m.folder != "nas"})


def _floors(house: House) -> list[str]:
    assert house.contract.get("exhaustive"), "the contract leaves modules out"
    return list(house.contract["layers"])


def _untyped(house: House) -> list[str]:
    lines = [(m.where, number, line) for m in house.modules.values() for number, line in enumerate(m.lines, 1)]
    return [f"{where}:{number}" for where, number, line in lines if "dict[str, Any]" in line]


def _long_files(house: House) -> list[str]:
    return [f"{m.where}: {len(m.lines)}" for m in house.modules.values() if len(m.lines) > 300]


def _median_file(house: House) -> float:
    """Count the lines of the median file, `__init__.py` files included."""
    return statistics.median(len(m.lines) for m in house.modules.values())


@dataclass(frozen=True)
class Measure:
    """A measure: its value before the house was redrawn, its goal, and the function that counts or lists."""

    name: str
    before: str
    goal: float
    take: Callable[[House], list[str] | float]
    at_least: bool = False

    def __call__(self, house: House) -> tuple[float, list[str]]:
        """Return the number, and the list of what was counted."""
        found = self.take(house)
        return (len(found), found) if isinstance(found, list) else (found, [])

    def reached(self, value: float) -> bool:
        """Tell whether a number is good enough."""
        return value >= self.goal if self.at_least else value <= self.goal


MEASURES = (
    Measure("modules at the root", "43", 9, _at_root),  # 8, and what `python -m nas` runs
    Measure("rooms", "15", 10, _rooms),
    Measure("import floors", "28", 10, _floors),
    Measure("cycles of imports", "1", 0, cycles),
    Measure("imports up the floors", "-", 0, arcs_up),
    Measure("private modules of another folder imported", "23", 0, private_imports),
    Measure("own imports inside functions", "56", 15, inner_imports),
    Measure("lines with dict[str, Any]", "64", 15, _untyped),
    Measure("files over 300 lines", "1", 0, _long_files),
    Measure("functions over 40 lines", "2", 0, long_functions),
    Measure("lines of the median file", "49", 80, _median_file, at_least=True),
)


def main(root: Path) -> None:
    """Print the table, then what misses its goal."""
    house, console = House(root), Console(soft_wrap=True, highlight=False)
    table = Table("measure", "before", "goal", "now", "reached")
    missed = {}
    for measure in MEASURES:
        value, found = measure(house)
        reached = measure.reached(value)
        goal = f"{'at least' if measure.at_least else 'at most'} {measure.goal}" if measure.goal else "0"
        table.add_row(escape(measure.name), measure.before, goal, f"{value:g}", "yes" if reached else "no")
        if not reached and found:
            missed[measure.name] = found
    console.print(table)
    for name, found in missed.items():
        console.print(f"\n{name}:", *found, sep="\n  ", markup=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1])
