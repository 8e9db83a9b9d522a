"""Split a long line of Python into several, as Black does: at its last brackets, or at what binds least.

Black describes its style at https://black.readthedocs.io (The Black code style); Ruff follows it.
"""

import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

WIDTH = 88
OPENING, CLOSING = ("(", "[", "{"), (")", "]", "}")
KEYWORDS = {"and", "or", "not", "in", "is", "if", "else", "for", "return", "lambda", "yield", "await", "assert"}
COMPREHENSION, COMMA, DOT = 20, 18, 1
PRIORITIES = {"for": COMPREHENSION, "async": COMPREHENSION, ",": COMMA, "if": 16, "else": 16, "and": 14, "or": 14}
for _priority, _operators in enumerate(("* / // % @", "+ -", "<< >>", "&", "^", "|", "< > == != <= >= in is not"), 4):
    PRIORITIES |= dict.fromkeys(_operators.split(), _priority)
PREFIXES = ("for", ",", "if", "else")


class CannotSplitError(Exception):
    """No rule fits a line."""


@dataclass(frozen=True)
class Token:
    """A token with the space before it. `optional` marks parentheses that a statement may gain, empty until then."""

    text: str
    space: str = ""
    type: int = tokenize.OP
    optional: str = ""

    @property
    def opens(self) -> bool:
        """Whether it is an opening bracket or may become one."""
        return self.text in OPENING or self.optional == "("

    @property
    def closes(self) -> bool:
        """Whether it is a closing bracket or may become one."""
        return self.text in CLOSING or self.optional == ")"

    @property
    def ends_operand(self) -> bool:
        """Whether a value may end with it, so that a bracket after it is a call's or a subscript's."""
        value = self.type in (tokenize.NAME, tokenize.NUMBER, tokenize.STRING) and self.text not in KEYWORDS
        return value or self.text in CLOSING


def pairs(tokens: Sequence[Token]) -> dict[int, int]:
    """Map the index of each opening bracket to that of its closing one."""
    stack, found = [], {}
    for index, token in enumerate(tokens):
        if token.opens:
            stack.append(index)
        elif token.closes:
            found[stack.pop()] = index
    return found


def at_depth(tokens: Sequence[Token], wanted: int) -> Iterator[tuple[int, Token]]:
    """Yield the tokens within so many brackets, with their indices."""
    depth = 0
    for index, token in enumerate(tokens):
        depth -= token.closes
        if depth == wanted:
            yield index, token
        depth += token.opens


def delimiters(tokens: Sequence[Token]) -> dict[int, int]:
    """Return the priority of each delimiter outside brackets, by its index; a line is cut before it, after a comma."""
    found: dict[int, int] = {}
    in_lambda = False
    loop = bool(tokens) and tokens[0].text == "for"
    for index, token in at_depth(tokens, 0):
        before = tokens[index - 1] if index else Token("")
        in_lambda = (in_lambda or token.text == "lambda") and token.text != ":"
        if in_lambda or loop:  # what a lambda takes, and what a loop binds
            loop = loop and token.text != "in"
            continue
        if token.text == "." and before.text in (")", "]"):
            found[index] = DOT
        elif index and token.text in PRIORITIES and (before.ends_operand or token.text in PREFIXES):
            loop = token.text == "for"
            filters = token.text == "if" and COMPREHENSION in found.values()
            found[index] = COMPREHENSION if filters else PRIORITIES[token.text]
    dots = [i for i, priority in found.items() if priority == DOT]
    return {i: priority for i, priority in found.items() if priority != DOT or len(dots) > 1}


def split(tokens: list[Token], indent: int, width: int = WIDTH, inside: bool = False) -> list[str]:
    """Split a line as far as needed, `inside` brackets or not. Raises CannotSplitError."""
    if _fits(tokens, indent, width):
        return [" " * indent + _text(tokens)]
    if tokens[0].text in ("def", "async", "class"):
        opening = next((i for i, t in enumerate(tokens) if t.opens), None)
        if opening is None:
            raise CannotSplitError
        return _around(tokens, opening, pairs(tokens)[opening], indent, width)
    if inside and delimiters(tokens):
        return _by_delimiter(tokens, indent, width)
    return _right_hand(tokens, indent, width)


def _text(tokens: Sequence[Token]) -> str:
    return "".join(t.space + t.text for t in tokens).strip()


def _called(tokens: Sequence[Token], opening: int) -> bool:
    """Tell whether brackets are the parentheses of a call or of a definition."""
    return tokens[opening].text == "(" and opening > 0 and tokens[opening - 1].ends_operand


def _magic(tokens: Sequence[Token]) -> bool:
    """Tell whether some brackets end with a comma, so that their items stand on lines of their own."""
    for opening, closing in pairs(tokens).items():
        inner = tokens[opening + 1 : closing]
        commas = sum(t.text == "," for _, t in at_depth(inner, 0))
        single = tokens[opening].text == "(" and not _called(tokens, opening) and commas == 1
        if inner and inner[-1].text == "," and not single:
            return True
    return False


def _fits(tokens: Sequence[Token], indent: int, width: int) -> bool:
    return indent + len(_text(tokens)) <= width and not _magic(tokens)


def _right_hand(tokens: list[Token], indent: int, width: int, omit: int = -1) -> list[str]:
    """Split at the last brackets that let the line's start fit; `omit` closes brackets that are not to be used."""
    found = {o: c for o, c in pairs(tokens).items() if c != omit}
    outer = [o for o, c in found.items() if o < c - 1 and not any(p < o and c < q for p, q in found.items())]
    for opening in sorted(outer, reverse=True):
        try:
            return _at_brackets(tokens, opening, found[opening], indent, width)
        except CannotSplitError:
            continue
    raise CannotSplitError


def _at_brackets(tokens: list[Token], opening: int, closing: int, indent: int, width: int) -> list[str]:
    """Split at two brackets, unless they are optional ones that are better left out."""
    if tokens[opening].optional and not tokens[opening].text:
        body = tokens[opening + 1 : closing]
        if _can_omit(body, indent + 4, width):
            try:
                return _right_hand(tokens, indent, width, omit=closing)
            except CannotSplitError:
                pass
        if not (_fits(body, indent + 4, WIDTH) or delimiters(body)):
            raise CannotSplitError
        tokens = list(tokens)
        for index in (opening, closing):
            tokens[index] = replace(tokens[index], text=tokens[index].optional)
    return _around(tokens, opening, closing, indent, width)


def _can_omit(body: list[Token], indent: int, width: int) -> bool:
    """Tell whether a statement reads well without the optional parentheses around `body`."""
    found = list(delimiters(body).values())
    if not found:
        return True
    if max(found) == COMMA or found.count(max(found)) > 1 or not body[-1].closes or body[-2].opens:
        return False
    opening = next(o for o, c in pairs(body).items() if c == len(body) - 1)
    if body[-1].text == "]" and opening and body[opening - 1].ends_operand:
        return False
    return any(t.opens for t in body[:opening]) or indent + len(_text(body[: opening + 1])) <= width


def _around(tokens: list[Token], opening: int, closing: int, indent: int, width: int) -> list[str]:
    """Lay out what is before, between and after two brackets."""
    lead, head, body = " " * indent, tokens[: opening + 1], tokens[opening + 1 : closing]
    if not body or indent + len(_text(head)) > WIDTH:
        raise CannotSplitError
    body = [replace(body[0], space=""), *body[1:]]
    if tokens[0].text in ("def", "async") and COMMA not in delimiters(body).values():
        body = [*body, Token(",")]
    items = COMMA in delimiters(body).values()
    if items and (not _called(tokens, opening) or _magic(tokens[opening : closing + 1])):
        middle = _by_delimiter(body, indent + 4, WIDTH)
    else:
        middle = split(body, indent + 4, inside=True)
    return [lead + _text(head), *middle, *_tail(tokens[closing:], indent, width)]


def _tail(tokens: list[Token], indent: int, width: int) -> list[str]:
    """Lay out a line that begins with a closing bracket."""
    lead = " " * indent
    if indent + len(_text(tokens)) <= width:
        return [lead + _text(tokens)]
    further = {o: c for o, c in pairs([Token("("), *tokens]).items() if 0 < o < c - 1}
    if not further:
        raise CannotSplitError
    opening = max(further) - 1
    closing = further[opening + 1] - 1
    body = [replace(tokens[opening + 1], space=""), *tokens[opening + 2 : closing]]
    middle = split(body, indent + 4, inside=True)
    return [lead + _text(tokens[: opening + 1]), *middle, lead + _text(tokens[closing:])]


def _by_delimiter(tokens: list[Token], indent: int, width: int) -> list[str]:
    """Split at the delimiters that bind least, a line for each part."""
    found = delimiters(tokens)
    top = max(found.values())
    comma = top == COMMA
    cuts = [i + comma for i, priority in found.items() if priority == top]
    lines = []
    for a, b in pairwise((0, *cuts, len(tokens))):
        part = tokens[a:b]
        if not part:
            continue
        if comma and part[-1].text == ",":
            part = part[:-1]
        part = [replace(part[0], space=""), *part[1:]]
        *start, end = split(part, indent, (width if b == len(tokens) else WIDTH) - comma, inside=True)
        lines += [*start, end + "," * comma]
    return lines
