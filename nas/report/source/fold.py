"""Leave out branches that cannot be taken, because a class's switch is off and nothing turns it on.

A switch is an attribute of a class that is None or False there; a backbone turns some of them on, a network none.
"""

import ast
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

Span = tuple[ast.AST, ast.AST | None]


@dataclass
class Folded:
    """What goes of a class: statements, conditions of which the second value stays, and tests that always hold."""

    gone: list[ast.stmt] = field(default_factory=list)
    second: list[ast.IfExp] = field(default_factory=list)
    held: list[ast.If] = field(default_factory=list)

    switches: set[str] = field(default_factory=set)
    docstrings: list[ast.Constant] = field(default_factory=list)
    """Those of the class and of its methods."""

    def reworded(self, dropped: Collection[str]) -> Iterator[tuple[ast.Constant, str]]:
        """Yield each docstring that speaks of a switch, of `dropped` members or of a backbone, without that."""
        for node in self.docstrings:
            first, *others = str(node.value).split("\n\n")
            kept = [first, *(_without(text, {*self.switches, *dropped}) for text in others)]
            if kept[1:] != others and "\\" not in str(node.value):
                yield node, "\n\n".join(filter(None, kept))

    def skipped(self) -> Iterator[ast.AST]:
        """Yield every node that goes."""
        for statement in self.gone:
            yield from ast.walk(statement)
        for choice in self.second:
            yield choice
            yield from (*ast.walk(choice.test), *ast.walk(choice.body))
        for test in self.held:
            yield from ast.walk(test.test)


def fold(owner: ast.ClassDef, stored: Collection[str]) -> Folded:
    """Find what goes of a class, given the attributes that some code stores."""
    folded = Folded()
    switches = {name for name in _switches(owner) if name not in stored}
    folded.switches = switches
    methods = [n for n in owner.body if isinstance(n, ast.FunctionDef)]
    documented: list[ast.ClassDef | ast.FunctionDef] = [owner, *methods]
    first = [node.body[0] for node in documented]
    folded.docstrings = [n.value for n in first if isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant)]
    if switches:
        for node in ast.walk(owner):
            if isinstance(node, ast.IfExp) and _is_switch(node.test, switches):
                folded.second.append(node)
        for function in methods:
            _fold_body(function, switches, folded)
    return folded


def _switches(owner: ast.ClassDef) -> Iterator[str]:
    for member in owner.body:
        match member:
            case ast.AnnAssign(ast.Name(name), value=ast.Constant(None | False)):
                yield name
            case ast.Assign([ast.Name(name)], ast.Constant(None | False)):
                yield name


def _is_switch(test: ast.expr, switches: Collection[str]) -> bool:
    match test:
        case ast.Attribute(ast.Name("self"), name):
            return name in switches
    return False


def _fold_body(function: ast.FunctionDef, switches: Collection[str], folded: Folded) -> None:
    """Go through the statements of a function, of which those after a return that is always reached go too."""
    absent: dict[str, ast.stmt] = {}
    stores = [n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    for index, statement in enumerate(function.body):
        match statement:
            case ast.If(test, orelse=[]) if _is_switch(test, switches):
                folded.gone.append(statement)
            case ast.Assign([ast.Name(name)], ast.IfExp(orelse=ast.Constant(None)) as choice) if (
                choice in folded.second and stores.count(name) == 1
            ):
                absent[name] = statement
            case ast.If(ast.Compare(ast.Name(name), [ast.Is()], [ast.Constant(None)]), [*_, ast.Return()], []) if (
                name in absent
            ):
                folded.held.append(statement)
                folded.gone += [absent[name], *function.body[index + 1 :]]
                return


def _without(paragraph: str, names: Collection[str]) -> str:
    """Leave out the sentences about some names, or about what only a backbone does."""
    text, end = paragraph.strip(), paragraph[len(paragraph.rstrip()) :]
    sentences = re.split(r"(?<=\.)\s+(?=[A-Z`])", text)
    words = "".join(f"`{name}`|" for name in names)
    kept = [s for s in sentences if not re.search(rf"{words}\b(backbones?|[Ww]indows that reach)\b", s)]
    if kept == sentences:
        return paragraph
    lead = paragraph[: len(paragraph) - len(paragraph.lstrip())]
    return lead + " ".join(" ".join(kept).split()) + end if kept else ""
