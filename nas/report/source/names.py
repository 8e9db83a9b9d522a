"""The text of gathered definitions, under names that do not clash."""

import ast
import builtins
import io
import keyword
import re
import tokenize
from collections.abc import Container, Iterable, Iterator, Mapping
from typing import NamedTuple

from nas.report.source.gather import MODULE_CLASS, TORCH, Definition, Sources
from nas.report.source.layout import WIDTH, tidy
from nas.report.source.modules import Key

PRAGMA = re.compile(r"#\s*(type:|noqa|fmt:|pragma|pyright|mypy|pylint|ruff)")


class Edit(NamedTuple):
    """A change of a text: what replaces the characters from `start` to `end`."""

    start: int
    end: int
    text: str


class Names:
    """The name in the file of each gathered definition and import; `wanted` are those of the parts.

    No name is one of `taken`. A clash gets the name of its module before its own. `imports` are further ones that the
    file needs.
    """

    def __init__(
        self, sources: Sources, wanted: Mapping[Key, str], taken: Iterable[str], imports: Iterable[Key] = ()
    ) -> None:
        self.sources = sources
        self.definitions = sources.ordered()
        self.taken = {*taken, *dir(builtins), *keyword.kwlist, "self", "super"}
        self.locals = set().union(*(d.uses.locals for d in self.definitions))
        self.names: dict[Key, str] = {}
        for local, key in (*((key.name or key.module, key) for key in imports), *self._imports()):
            if key not in self.names:
                self.names[key] = self._free(Key("", local), own=True)
        for key, name in wanted.items():
            self.names[key] = self._free(Key(key.module, name))
        order = {id(d): i for i, d in enumerate(self.definitions)}
        for key, definition in sorted(sources.definitions.items(), key=lambda item: order.get(id(item[1]), -1)):
            if key not in self.names:
                self.names[key] = self._free(key, own=definition.module.name == key.module)

    def _imports(self) -> Iterator[tuple[str, Key]]:
        """Yield each import from outside with its local name."""
        for definition in self.definitions:
            for local, key in self.sources.used(definition).items():
                if key == MODULE_CLASS:
                    yield "nn", TORCH
                elif not self.sources.inside(key.module):
                    yield local, key

    def _free(self, key: Key, own: bool = False) -> str:
        """Find a name that nothing else has, and take it."""
        place, name = key.module.rpartition(".")[2], key.name
        mark = "_" if name.startswith("_") else ""
        if name.isupper():
            longer = f"{place}_{name}".upper()
        elif name[:1].isupper():
            longer = place.title().replace("_", "") + name
        else:
            longer = f"{mark}{place}_{name.lstrip('_')}"
        candidates = [name, longer, *(f"{longer}_{i}" for i in range(2, 1000))]
        found = next(n for n in candidates if n not in self.taken and (n not in self.locals or (own and n == name)))
        self.taken.add(found)
        return found

    def of(self, key: Key) -> str:
        """Return the text that stands for something."""
        return f"{self.names[TORCH]}.Module" if key == MODULE_CLASS else self.names[key]

    def text(self, definition: Definition) -> str:
        """Write a definition for the file."""
        module, statement = definition.module, definition.statement
        start, end = module.block(statement)
        edits = [Edit(*module.span(node), ast.unparse(base)) for node, base in definition.plain]
        used, written = self.sources.used(definition), {id(node) for node in ast.walk(statement)}
        edits += [
            Edit(*module.span(n), self.of(used[n.id]))
            for n in definition.uses.names
            if n.id in used and id(n) in written  # not in an annotation within quotes
        ]
        if isinstance(statement, ast.ClassDef):
            edits += [*self._dropped(definition, statement), *_folded(definition)]
        if not isinstance(statement, ast.Assign | ast.AnnAssign):
            name = self.of(Key(module.name, statement.name))
            place = module.text.index(
                statement.name, module.offset(statement.lineno, statement.col_offset) + len("def")
            )
            edits.append(Edit(place, place + len(statement.name), name))
        return tidy(_without_pragmas(_edited(module.text, start, end, edits)))

    def _dropped(self, definition: Definition, owner: ast.ClassDef) -> Iterator[Edit]:
        """Yield the edits that take out the members of a class that nothing names."""
        module = definition.module
        gone = [member for member in owner.body if not definition.keeps(owner, member)]
        spans: list[tuple[int, int]] = []
        for start, end in map(module.block, gone):
            if spans and spans[-1][1] == start:
                start = spans.pop()[0]
            while module.text[:start].endswith("\n\n") and module.text.startswith("\n", end):
                end += 1
            spans.append((start, end))
        rest = " " * owner.body[0].col_offset + "pass\n" if len(gone) == len(owner.body) else ""
        yield from (Edit(start, end, rest) for start, end in spans)

    def imports(self, used: Container[str]) -> str:
        """Write the imports of the names that are used, those of Python before those of torch."""
        plain: set[str] = set()
        by_module: dict[str, set[str]] = {}
        for key, name in self.names.items():
            if self.sources.inside(key.module) or name not in used:
                continue
            if not key.name:
                alias = "" if name == key.module.split(".")[0] else f" as {name}"
                plain.add(f"import {key.module}{alias}")
            else:
                by_module.setdefault(key.module, set()).add(key.name if key.name == name else f"{key.name} as {name}")
        return import_lines(plain, by_module)


def _folded(definition: Definition) -> Iterator[Edit]:
    """Yield the edits that take out what cannot be reached, and what docstrings say of it."""
    module, folded = definition.module, definition.folded
    for docstring, text in folded.reworded(definition.dropped):
        start, end = module.span(docstring)
        yield Edit(start, end, f'"""{text}"""')
    for statement in folded.gone:
        yield Edit(*module.block(statement), "")
    for choice in folded.second:
        (start, end), (first, last) = module.span(choice), module.span(choice.orelse)
        yield Edit(start, first, "")
        yield Edit(last, end, "")
    for test in folded.held:
        start = module.offset(test.lineno, 0)
        yield Edit(start, module.offset(test.body[0].lineno, 0), "")
        for line in range(test.body[0].lineno, (test.end_lineno or 0) + 1):
            yield Edit(module.offset(line, 0), module.offset(line, 4), "")


def import_lines(plain: Iterable[str], by_module: Mapping[str, Iterable[str]]) -> str:
    """Write imports in two groups, those of Python and others, sorted."""
    groups: dict[bool, list[str]] = {}
    for line in sorted(plain):
        groups.setdefault(_third_party(line), []).append(line)
    for module in sorted(by_module):
        names = sorted(by_module[module], key=lambda n: (not n.isupper(), not n[:1].isupper(), n))
        line = f"from {module} import {', '.join(names)}"
        if len(line) > WIDTH:
            line = f"from {module} import (\n" + "".join(f"    {name},\n" for name in names) + ")"
        groups.setdefault(_third_party(line), []).append(line)
    return "\n\n".join("\n".join(lines) for _, lines in sorted(groups.items())) + "\n"


def _third_party(line: str) -> bool:
    return line.split()[1].split(".")[0] in ("torch", "timm")


def _edited(text: str, start: int, end: int, edits: Iterable[Edit]) -> str:
    """Apply edits to a part of a text; of two that overlap the outer one counts."""
    pieces, place = [], start
    for edit in sorted(set(edits), key=lambda e: (e.start, -e.end)):
        if edit.start < place or edit.start >= end:
            continue
        pieces += [text[place : edit.start], edit.text]
        place = edit.end
    return ("".join(pieces) + text[place:end]).rstrip() + "\n"


def _without_pragmas(text: str) -> str:
    """Take out comments that speak to tools."""
    lines = text.split("\n")
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT and PRAGMA.match(token.string):
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column].rstrip()
    return "\n".join(lines)
