"""Gather the source of classes with all that they need, from whatever modules, as the text of one file.

Only what is reached goes along: of a class the members that anything names, of an option's annotation the plain type.
"""

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any, NamedTuple

from nas.errors import SettingError
from nas.report.source.fold import Folded, fold
from nas.report.source.modules import Key, Module, Statement, bound, is_builtin, is_module
from nas.report.source.scopes import Uses

CONTRACTS = {Key("nas.network.blocks", "Block"), Key("nas.network.stems", "Stem"), Key("nas.network.heads", "Head")}
MODULE_CLASS = Key("torch.nn", "Module")
"""What stands in the place of a contract."""
TORCH = Key("torch", "nn")


class CannotWriteError(SettingError):
    """Code cannot be written as a file of its own."""

    def __init__(self, where: str, why: str, remedy: str) -> None:
        super().__init__(f"{where}: {why}, so that the code cannot be written as a file of its own; {remedy}")


class Used(NamedTuple):
    """The attributes that some code names, and those that it stores."""

    named: frozenset[str] = frozenset()
    stored: frozenset[str] = frozenset()


class Definition:
    """A statement of a module that goes along, with what it uses."""

    def __init__(self, sources: "Sources", module: Module, statement: Statement, used: Used) -> None:
        self.module, self.statement, self.sources, self.used = module, statement, sources, used
        self.plain: list[tuple[ast.expr, ast.expr]] = []
        """Annotations of options, and the plain types in their place."""
        self.uses = Uses(self.keeps, self._annotation)
        self.folded = fold(statement, used.stored) if isinstance(statement, ast.ClassDef) else Folded()
        self.uses.skipped = set(self.folded.skipped())
        self.uses.visit(statement)
        self._check_imports()

    def keeps(self, owner: ast.ClassDef, member: ast.stmt) -> bool:
        """Tell whether a statement of a class's body goes along."""
        if owner is not self.statement or owner.decorator_list or not self._is_network:
            return True
        if isinstance(member, ast.Expr) and isinstance(member.value, ast.Constant):
            index = owner.body.index(member)
            return index == 0 or self.keeps(owner, owner.body[index - 1])
        names = bound(member)
        return not names or any(name in self.used.named or self._overrides(name) for name in names)

    @property
    def dropped(self) -> set[str]:
        """The names of the members of a class that stay behind."""
        if not isinstance(self.statement, ast.ClassDef):
            return set()
        owner = self.statement
        return {name for member in owner.body if not self.keeps(owner, member) for name in bound(member)}

    @cached_property
    def _class(self) -> Any:
        return vars(sys.modules[self.module.name]).get(getattr(self.statement, "name", ""))

    @property
    def _is_network(self) -> bool:
        return isinstance(self._class, type) and any(
            base.__module__.startswith("torch.") for base in self._class.__mro__
        )

    def _overrides(self, name: str) -> bool:
        """Tell whether Python or a class from outside may call a member."""
        outside = (base for base in self._class.__mro__ if not self.sources.inside(base.__module__))
        return (name.startswith("__") and name.endswith("__")) or any(name in vars(base) for base in outside)

    def _annotation(self, node: ast.expr) -> Iterator[ast.expr]:
        """Yield the parts of an annotation that count, noting where a plain type takes the place of an option's law."""
        base = self._law(node)
        if base is not None:
            self.plain.append((node, base))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield ast.parse(node.value, mode="eval").body
        elif isinstance(node, ast.Subscript) and ast.unparse(node.value).split(".")[-1] == "Literal":
            yield node.value
        elif isinstance(node, ast.Subscript | ast.BinOp | ast.Tuple | ast.List):
            for child in ast.iter_child_nodes(node):
                if isinstance(child, ast.expr):
                    yield from self._annotation(child)
        else:
            yield node

    def _law(self, node: ast.expr) -> ast.expr | None:
        """Return the type under `Annotated`, also where a name stands for it."""
        module: Module | None = self.module
        if isinstance(node, ast.Name):
            key = self.sources.resolve(self.module, node) if self.module.has(node.id) else None
            module = self.sources.module(key.module) if key and self.sources.inside(key.module) else None
            found = module.definitions.get(key.name) if key and module else None
            node = found.value if isinstance(found, ast.Assign) else node
        if module and isinstance(node, ast.Subscript) and ast.unparse(node.value).split(".")[-1] == "Annotated":
            base = node.slice.elts[0] if isinstance(node.slice, ast.Tuple) else node.slice
            if any(not is_builtin(n.id) for n in ast.walk(base) if isinstance(n, ast.Name)):
                raise CannotWriteError(module.where(base), f"{ast.unparse(base)} within Annotated is no plain type",
                                       "write int, float, bool or str")  # fmt: skip
            return base
        return None

    def _check_imports(self) -> None:
        for node in ast.walk(self.statement):
            if isinstance(node, ast.Import | ast.ImportFrom):
                for key in dict(self.module.imported(node)).values():
                    if self.sources.inside(key.module):
                        raise CannotWriteError(self.module.where(node), f"imports {key.module} inside a function",
                                               "import it at the top")  # fmt: skip
                    self.sources.check_outside(self.module, node, key)


class Sources:
    """The definitions that some classes need, and some `also`, wherever they are."""

    def __init__(self, parts: Iterable[type], also: Iterable[type] = ()) -> None:
        self.parts = [Key(part.__module__, part.__qualname__) for part in parts]
        self.roots = [*self.parts, *(Key(kind.__module__, kind.__qualname__) for kind in also)]
        self._inside = {"nas", *(key.module.split(".")[0] for key in self.roots)}
        self._modules: dict[str, Module] = {}
        self.definitions: dict[Key, Definition] = {}
        now, more = None, Used()
        while now != more:  # each member that goes along may name others
            now, self.definitions = more, {}
            self._reach(now)
            uses = [d.uses for d in self.definitions.values()]
            more = Used(now.named.union(*(u.attributes for u in uses)), now.stored.union(*(u.stored for u in uses)))

    def inside(self, module: str) -> bool:
        """Tell whether a module's code goes along, which is that of nas and of the packages of kinds."""
        return module.split(".")[0] in self._inside

    def module(self, name: str) -> Module:
        """Read a module once."""
        if name not in self._modules:
            self._modules[name] = Module(name)
        return self._modules[name]

    def _reach(self, used: Used) -> None:
        waiting = list(self.roots)
        while waiting:
            key = waiting.pop()
            if key in self.definitions:
                continue
            module = self.module(key.module)
            if key.name not in module.definitions or key.name in module.twice:
                raise CannotWriteError(module.where(module.tree), f"'{key.name}' is not defined by one statement",
                                       "define it once, at the top level of the file")  # fmt: skip
            found = Definition(self, module, module.definitions[key.name], used)
            self.definitions[key] = found
            waiting += [used for used in self.used(found).values() if self.inside(used.module)]

    def used(self, definition: Definition) -> Mapping[str, Key]:
        """Map the names of its module that a definition uses to what they stand for."""
        found = {}
        for node in definition.uses.names:
            if definition.module.has(node.id) or not is_builtin(node.id):
                found[node.id] = self.resolve(definition.module, node)
        return found

    def resolve(self, module: Module, node: ast.Name) -> Key:
        """Find what a name stands for. Raises CannotWriteError where that cannot be told or cannot go along."""
        return self._resolve(module, node.id, module, node)

    def _resolve(self, module: Module, name: str, user: Module, node: ast.Name) -> Key:
        if name in module.definitions:
            key = Key(module.name, name)
            return MODULE_CLASS if key in CONTRACTS else key
        if name not in module.imports:
            raise CannotWriteError(user.where(node), f"'{name}' is not defined by a plain statement",
                                   "define it by one, at the top level of the file")  # fmt: skip
        key = module.imports[name]
        if not self.inside(key.module):
            self.check_outside(user, node, key)
            return key
        if is_module(key):
            raise CannotWriteError(user.where(node), f"imports the module {'.'.join(filter(None, key))} as a whole",
                                   "import names from it")  # fmt: skip
        return self._resolve(self.module(key.module), key.name, user, node)

    def check_outside(self, module: Module, node: ast.AST, key: Key) -> None:
        """Raise CannotWriteError for a module that is neither torch's nor Python's own."""
        package = key.module.split(".")[0]
        if package != "torch" and package not in sys.stdlib_module_names:
            raise CannotWriteError(module.where(node), f"needs {package}, and such a file may need torch alone",
                                   "take a format that needs no source, such as onnx")  # fmt: skip

    def ordered(self) -> list[Definition]:
        """List the definitions so that each follows those that it needs: module by module, shared ones first."""
        needs: dict[str, list[str]] = {}
        for key, definition in self.definitions.items():
            used = [used.module for used in self.used(definition).values() if self.inside(used.module)]
            needs.setdefault(key.module, []).extend(used)
        order: list[str] = []
        seen: set[str] = set()

        def visit(name: str) -> None:
            if name in seen:
                return
            seen.add(name)
            for other in sorted(needs[name]):
                visit(other)
            order.append(name)

        parts = dict.fromkeys(key.module for key in self.parts)
        for name in dict.fromkeys(key.module for key in self.roots):
            visit(name)
        shared = [name for name in order if name not in parts]
        if not any(other in parts for name in shared for other in needs[name]):
            order = [*shared, *(name for name in order if name in parts)]
        place = {name: i for i, name in enumerate(order)}
        unique = {id(d.statement): d for d in self.definitions.values()}
        return sorted(unique.values(), key=lambda d: (place[d.module.name], d.statement.lineno))
