"""The sources of modules: what each defines, what it imports, and where a definition's text lies."""

import ast
import builtins
import importlib
import importlib.util
import sys
from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from nas.errors import SettingError

Statement = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign


class Key(NamedTuple):
    """A name that a module defines, or an import from outside, whose `name` is empty for a module as a whole."""

    module: str
    name: str


class Module:
    """The source of one module. Raises SettingError where it cannot be read."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.text = _source(name)
        self.tree = ast.parse(self.text)
        self.lines = self.text.split("\n")
        self.definitions: dict[str, Statement] = {}
        self.imports: dict[str, Key] = {}
        self.twice: set[str] = set()
        """Names that more than one statement binds."""
        self._collect(self.tree.body)

    def _collect(self, body: list[ast.stmt]) -> None:
        for node in body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                self.imports |= dict(self.imported(node))
            elif isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
                self._collect(node.body)
            elif isinstance(node, Statement):
                for name in bound(node):
                    self.twice |= {name} & self.definitions.keys()
                    self.definitions[name] = node
            else:
                self.twice |= {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}

    def imported(self, node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, Key]]:
        """Yield the names that an import binds, with what they stand for."""
        for alias in node.names:
            if isinstance(node, ast.ImportFrom):
                package = vars(sys.modules[self.name]).get("__package__") or ""
                module = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
                yield alias.asname or alias.name, Key(module, alias.name)
            else:
                yield alias.asname or alias.name.split(".")[0], Key(alias.name, "")

    @cached_property
    def _starts(self) -> list[int]:
        starts = [0]
        for line in self.lines:
            starts.append(starts[-1] + len(line) + 1)
        return starts

    def offset(self, line: int, column: int) -> int:
        """Return the place in the text of a line counted from 1 and a column counted in bytes, as syntax trees do."""
        return self._starts[line - 1] + len(self.lines[line - 1].encode()[:column].decode())

    def span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        """Return start and end of a node in the text."""
        return self.offset(node.lineno, node.col_offset), self.offset(node.end_lineno or 0, node.end_col_offset or 0)

    def block(self, node: ast.stmt) -> tuple[int, int]:
        """Return start and end of a statement's lines, with its decorators and the comments directly above."""
        first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])
        while first > 1 and self.lines[first - 2].lstrip().startswith("#"):
            first -= 1
        return self._starts[first - 1], self._starts[node.end_lineno or 0]

    def has(self, name: str) -> bool:
        """Tell whether the module gives a name a meaning of its own, by a definition or an import."""
        return name in self.definitions or name in self.imports or name in self.twice

    def where(self, node: ast.AST) -> str:
        """Name the file and line of a node."""
        return f"{vars(sys.modules[self.name]).get('__file__', self.name)}:{getattr(node, 'lineno', 1)}"


def bound(node: ast.stmt) -> list[str]:
    """Return the names that a plain statement binds, none for others."""
    if isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return [n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    return [node.name] if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) else []


def _source(name: str) -> str:
    """Read the source of an imported module. Raises SettingError where it has none."""
    module = importlib.import_module(name)
    loader = getattr(getattr(module, "__spec__", None), "loader", None)
    try:
        text = loader.get_source(name) if loader else None
    except (AttributeError, ImportError, OSError, UnicodeDecodeError, SyntaxError):
        text = None
    if not text:
        raise SettingError(f"the source of {name} cannot be read, so that its code cannot be written as a file of its "
                           "own; take a format that needs no source, such as onnx")  # fmt: skip
    return str(text)


def is_module(key: Key) -> bool:
    """Tell whether what is imported is a module."""
    name = f"{key.module}.{key.name}" if key.name else key.module
    return name in sys.modules


def is_builtin(name: str) -> bool:
    """Tell whether Python itself has a name."""
    return hasattr(builtins, name) or name in ("__name__", "__file__")
