"""Which names in a definition are the module's, and which are its own."""

import ast
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


class Uses(ast.NodeVisitor):
    """What a definition uses: the module's names, attributes by name, and texts that may be names of attributes.

    `keeps` tells which statements of a class's body count; `annotation` is handed each annotation and returns the
    parts of it that count.
    """

    def __init__(
        self, keeps: Callable[[ast.ClassDef, ast.stmt], bool], annotation: Callable[[ast.expr], Iterable[ast.expr]]
    ) -> None:
        self.keeps, self.annotation = keeps, annotation
        self.skipped: set[ast.AST] = set()
        """Nodes that do not count."""
        self.stored: set[str] = set()
        """Attributes that are assigned."""
        self.names: list[ast.Name] = []
        self.attributes: set[str] = set()
        self.locals: set[str] = set()
        self._scopes: list[tuple[set[str], bool]] = []

    @contextmanager
    def _scope(self, bound: set[str], is_class: bool = False) -> Iterator[None]:
        self.locals |= bound
        self._scopes.append((bound, is_class))
        yield
        self._scopes.pop()

    def visit(self, node: ast.AST) -> None:
        if isinstance(node, ast.IfExp) and node in self.skipped:
            self.visit(node.orelse)
        elif node not in self.skipped:
            super().visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        visible = [
            bound for i, (bound, is_class) in enumerate(self._scopes, 1) if not is_class or i == len(self._scopes)
        ]
        if not any(node.id in bound for bound in visible):
            self.names.append(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self.attributes.add(node.attr)
        if not isinstance(node.ctx, ast.Load):
            self.stored.add(node.attr)
        self.visit(node.value)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str) and node.value.isidentifier():
            self.attributes.add(node.value)
            self.stored.add(node.value)  # as by register_buffer

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for part in (*node.decorator_list, *node.bases, *node.keywords):
            self.visit(part)
        kept = [statement for statement in node.body if self.keeps(node, statement)]
        self.stored |= bound_in(s for s in node.body if not switch(s))
        with self._scope(bound_in(kept), is_class=True):
            for statement in kept:
                self.visit(statement)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for part in node.decorator_list:
            self.visit(part)
        self._annotated(node.returns)
        self._function(node, node.body)

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._function(node, [node.body])

    def _function(self, node: Function, body: Iterable[ast.AST]) -> None:
        arguments = node.args
        for default in (*arguments.defaults, *arguments.kw_defaults):
            if default is not None:
                self.visit(default)
        named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        named += [extra for extra in (arguments.vararg, arguments.kwarg) if extra]
        for argument in named:
            self._annotated(argument.annotation)
        body = list(body)
        with self._scope({argument.arg for argument in named} | bound_in(body)):
            for statement in body:
                self.visit(statement)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.visit(node.target)
        self._annotated(node.annotation)
        if node.value:
            self.visit(node.value)

    def _annotated(self, node: ast.expr | None) -> None:
        if node is not None:
            for part in self.annotation(node):
                self.visit(part)

    def _comprehension(self, node: Comprehension) -> None:
        bound = {name.id for loop in node.generators for name in ast.walk(loop.target) if isinstance(name, ast.Name)}
        with self._scope(bound):
            self.generic_visit(node)

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension  # noqa: N815


def switch(member: ast.stmt) -> str:
    """Name the attribute that a statement of a class's body sets to None or False, if it does that."""
    match member:
        case ast.AnnAssign(ast.Name(name), value=ast.Constant(None | False)):
            return name
        case ast.Assign([ast.Name(name)], ast.Constant(None | False)):
            return name
    return ""


def bound_in(body: Iterable[ast.AST]) -> set[str]:
    """Return the names that statements bind in their own scope."""
    bound: set[str] = set()
    declared: set[str] = set()
    waiting = list(body)
    while waiting:
        node = waiting.pop()
        match node:
            case ast.Global(names):
                declared |= set(names)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                bound.add(node.name)
                continue
            case ast.Import(names) | ast.ImportFrom(names=names):
                bound |= {alias.asname or alias.name.split(".")[0] for alias in names}
            case ast.Name(name, ast.Store() | ast.Del()):
                bound.add(name)
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                bound.add(name)
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp() | ast.Lambda():
                bound |= {w.target.id for w in ast.walk(node) if isinstance(w, ast.NamedExpr)}
                continue
        waiting += ast.iter_child_nodes(node)
    return bound - declared
