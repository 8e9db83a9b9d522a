"""Leave out branches that cannot be taken, because a class's switch is off and nothing turns it on.

A switch is an attribute of a class that is None or False there; a backbone turns some of them on, a network none.
"""

import ast
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from nas.report.source.scopes import switch


@dataclass
class Folded:
    """What goes of a class: statements, conditions of which the second value stays, and tests that always hold."""

    gone: list[ast.stmt] = field(default_factory=list)
    second: list[ast.IfExp] = field(default_factory=list)
    held: list[ast.If] = field(default_factory=list)
    cut: list[ast.FunctionDef] = field(default_factory=list)
    """Methods of which only the start stays."""
    switches: set[str] = field(default_factory=set)
    documented: list[ast.ClassDef | ast.FunctionDef] = field(default_factory=list)
    """The class and its methods."""

    def reworded(self, dropped: Collection[str]) -> Iterator[tuple[ast.Constant, str]]:
        """Yield each docstring that says more than is left: of a switch, of `dropped` members, of a backbone."""
        for node in self.documented:
            text = ast.get_docstring(node, clean=False) or ""
            first, *others = text.split("\n\n")
            kept = [_without(paragraph, {*self.switches, *dropped}) for paragraph in others if node not in self.cut]
            if kept != others and "\\" not in text and '"""' not in text:
                docstring = node.body[0]
                assert isinstance(docstring, ast.Expr)
                assert isinstance(docstring.value, ast.Constant)
                yield docstring.value, "\n\n".join(filter(None, (first, *kept)))

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
    names = set() if owner.decorator_list else {switch(member) for member in owner.body}
    switches = names - {"", *stored}
    folded.switches = switches
    methods = [n for n in owner.body if isinstance(n, ast.FunctionDef)]
    folded.documented = [owner, *methods]
    if switches:
        for node in ast.walk(owner):
            if isinstance(node, ast.IfExp) and _is_switch(node.test, switches):
                folded.second.append(node)
        for function in methods:
            _fold_body(function, switches, folded)
    return folded


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
                folded.cut.append(function)
                folded.gone += [absent[name], *function.body[index + 1 :]]
                return


def _without(paragraph: str, names: Collection[str]) -> str:
    """Leave out the sentences about some names, or about what only a backbone does."""
    text, end = paragraph.strip(), paragraph[len(paragraph.rstrip()) :]
    sentences = re.split(r"(?<=\.)\s+(?=[A-Z`])", text)
    words = "".join(f"`{name}`|" for name in names)
    kept = [s for s in sentences if not re.search(rf"{words}\bbackbones?\b", s)]
    if kept == sentences:
        return paragraph
    lead = paragraph[: len(paragraph) - len(paragraph.lstrip())]
    return lead + " ".join(" ".join(kept).split()) + end if kept else ""
