"""Lay Python out as Black and Ruff do, at 88 columns: code, comments and docstrings.

The source is to be tidy already, at whatever width. A line that no rule fits stays as it is.
"""

import ast
import io
import re
import textwrap
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from nas.report.source.splits import (
    CLOSING,
    OPENING,
    WIDTH,
    CannotSplitError,
    Token,
    at_depth,
    pairs,
    split,
)

ASSIGNMENT = re.compile(r"([-+*/|&%@^]|//|<<|>>|\*\*)?=")
PLAIN = ("def", "async", "class", "@", "raise", "with", "import", "from")
"""What begins statements that gain no parentheses."""


def tidy(text: str) -> str:
    """Lay out a text of whole statements, or return it as it is rather than change what it does."""
    lines = text.splitlines()
    tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    found, row = [], 0
    for statement in _statements(tokens):
        first, last = statement[0].start[0] - 1, statement[-1].end[0] - 1
        found += [*map(_wrapped, lines[row:first]), *_laid_out(lines[first : last + 1], statement)]
        row = last + 1
    found += map(_wrapped, lines[row:])
    laid_out = "\n".join(found) + "\n"
    return laid_out if _program(laid_out) == _program(text) else text


def _program(text: str) -> str:
    """Dump the syntax tree of a text without docstrings, or return an empty text where it has none."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return ""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            node.value.value = ""
    return ast.dump(tree)


def _statements(tokens: Sequence[tokenize.TokenInfo]) -> Iterator[list[tokenize.TokenInfo]]:
    """Yield the tokens of each logical line, a comment at its end included."""
    skipped = (tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)
    statement: list[tokenize.TokenInfo] = []
    for token in tokens:
        if token.type == tokenize.NEWLINE:
            yield statement
            statement = []
        elif token.type not in skipped and (statement or token.type != tokenize.COMMENT):
            statement.append(token)


def _wrapped(line: str) -> str:
    """Fill a comment on a line of its own."""
    comment = re.fullmatch(r"( *)# (.*)", line)
    if not comment or len(line) <= WIDTH:
        return line
    lead = comment[1] + "# "
    return textwrap.fill(comment[2], WIDTH, initial_indent=lead, subsequent_indent=lead, break_long_words=False)


def _laid_out(lines: list[str], tokens: list[tokenize.TokenInfo]) -> list[str]:
    indent = len(lines[0]) - len(lines[0].lstrip())
    if len(tokens) == 1 and tokens[0].type == tokenize.STRING:
        return _docstring(lines, indent)
    comments = [t.string for t in tokens if t.type == tokenize.COMMENT]
    code = [t for t in tokens if t.type != tokenize.COMMENT]
    wide = max(map(len, lines)) > WIDTH
    at_end = tokens[-1].string if tokens[-1].type == tokenize.COMMENT else ""
    if any(t.start[0] != t.end[0] for t in code) or (len(comments) > bool(at_end) and not wide):
        return lines
    above = []
    if wide and code[0].string not in ("else", "elif", "except", "finally"):
        above, at_end = [_wrapped(" " * indent + text) for text in comments], ""
    try:
        *start, end = split(_with_optional(list(_flat(code))), indent, WIDTH - len(at_end and f"  {at_end}"))
    except CannotSplitError:
        return lines
    return [*above, *start, f"{end}  {at_end}" if at_end else end]


def _docstring(lines: list[str], indent: int) -> list[str]:
    """Fill the paragraphs of a docstring that are too wide."""
    lead, found = " " * indent, []
    for paragraph in "\n".join(lines).split("\n\n"):
        plain = not re.search(rf"^ {{{indent + 1},}}\S", paragraph, re.MULTILINE)
        if plain and max(map(len, paragraph.splitlines()), default=0) > WIDTH:
            body, closing, _ = paragraph.rpartition("\n" + lead + '"""')
            filled = textwrap.wrap(" ".join((body or paragraph).split()), WIDTH - indent, break_on_hyphens=False,
                                   break_long_words=False)  # fmt: skip
            paragraph = textwrap.indent("\n".join(filled), lead) + closing
        found.append(paragraph)
    return "\n\n".join(found).split("\n")


def _flat(tokens: Sequence[tokenize.TokenInfo]) -> Iterator[Token]:
    """Yield a statement's tokens as if they stood on one line."""
    for before, token in pairwise((None, *tokens)):
        assert token
        space = ""
        if before and before.end[0] == token.start[0]:
            space = " " * (token.start[1] - before.end[1])
        elif before and before.string not in OPENING and token.string not in CLOSING:
            space = " "
        yield Token(token.string, space, token.type)


def _with_optional(tokens: list[Token]) -> list[Token]:
    """Add the parentheses that a statement may gain: around what is assigned, returned, tested or gone through."""
    first = tokens[0].text
    end = len(tokens) - (tokens[-1].text == ":")
    level = [i for i, _ in at_depth(tokens, 0)]
    start = 0
    if first in ("return", "if", "elif", "while", "assert"):
        start = 1
    elif first == "for":
        start = next(i for i in level if tokens[i].text == "in") + 1
    elif first not in PLAIN:
        start = 1 + max((i for i in level if ASSIGNMENT.fullmatch(tokens[i].text)), default=-1)
    if not 0 < start < end:
        return tokens
    space, inner = tokens[start].space, tokens[start:end]
    if inner[0].text == "(" and pairs(inner)[0] == len(inner) - 1:
        if len(inner) == 2 or {"for", ",", ":="} & {t.text for _, t in at_depth(inner[1:-1], 0)}:
            return tokens
        inner = inner[1:-1]  # parentheses that were only there to break the line
    inner = [replace(inner[0], space=""), *inner[1:]]
    return [*tokens[:start], Token("", space, optional="("), *inner, Token("", optional=")"), *tokens[end:]]
