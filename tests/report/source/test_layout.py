"""Laying Python out at 88 columns, as Ruff does."""

import ast
import re
from pathlib import Path

import pytest
from written_code import ruff

import nas
from nas.report.source.layout import tidy

SOURCES = Path(nas.__file__).parent / "network"
IMPORT = re.compile(r"^(from|import) [^(\n]*(\([^)]*\))?\n", re.MULTILINE)
LONG = "a_function_with_a_long_name(with_an_argument, another_argument)"


@pytest.mark.parametrize("folder", ["blocks", "stems", "heads", "layers"])
def test_our_own_sources_come_out_as_ruff_has_them(folder: str) -> None:
    for path in (SOURCES / folder).glob("*.py"):
        found = tidy(path.read_text())
        assert IMPORT.sub("", found) == IMPORT.sub("", ruff("format", "-", given=found).stdout), path.name


@pytest.mark.parametrize(
    "text",
    [
        f"x = {LONG} if {LONG} else None",
        f"x = {LONG} + {LONG}",
        f"x = {LONG}, {LONG}",
        f"x = [{LONG}, {LONG}]",
        f"x = f([{LONG}, {LONG}])",
        f"x = {{'a': {LONG}, 'b': {LONG}}}".replace("'", '"'),
        f"x = [y for y in {LONG} if y is not None and y.something in {LONG}]",
        f"x = [y for y, z in {LONG} for a, (b, c) in {LONG} if a in b or not c]",
        f"x = {LONG}.first(1).second(2).third(3)",
        f"x = {LONG}.attribute[0:2, -1].first(with_more, arguments)",
        f"return_value = {LONG} and not {LONG} or y",
        f"for a, b in zip({LONG}, strict=True, or_perhaps=not_at_all):\n    pass",
        f"if {LONG} and {LONG}:\n    pass",
        f"x = f(lambda a, b: {LONG}(a, b, another_argument_that_is_long))",
        'def f(a: int, b: int = 3, *, c: dict[str, int] | None = None, d: str = "some text") -> None:\n    pass',
        "def f(only_one_argument_with_a_long_name: dict[str, tuple[int, int, int]]) -> dict[str, int]:\n    pass",
        "x = 1  # a comment that is far too long to stand beside the code that it speaks of, as it does here",
        "f(\n    a,\n    b,\n)",
        "x = (1,)",
        'x = "a text that cannot be cut although it is much longer than a line of eighty-eight columns is"',
        "x = f(1 if a else 2)",
        f"x: dict[str, int] = {LONG}.first(a_keyword=1)",
        f"x += {LONG} * 2 - {LONG}",
        f"assert {LONG} == {LONG}",
    ],
)  # fmt: skip
def test_long_lines_come_out_as_ruff_has_them(text: str) -> None:
    found = tidy(text + "\n")
    assert "too long to stand" in text or ast.dump(ast.parse(found)) == ast.dump(ast.parse(text))
    assert found == ruff("format", "-", given=found).stdout
    if "(\n" not in text and "comment" not in text:
        assert found == ruff("format", "-", given=text).stdout


def test_what_no_rule_fits_stays() -> None:
    for text in ("x = 1; y = [\n 2]\n", "x = 1 + \\\n    2\n", 'x = """a\n  b"""\n', "x = [  # why\n    1\n]\n"):
        found = tidy(text)
        assert ast.dump(ast.parse(found)) == ast.dump(ast.parse(text))


def test_docstrings_and_comments_are_filled() -> None:
    words = " ".join(["word"] * 40)
    text = f'def f():\n    """One line.\n\n    {words}\n\n        {words}\n    """\n    # {words}\n'
    found = tidy(text)
    assert max(len(line) for line in found.splitlines() if not line.startswith(" " * 8)) <= 88
    assert f"\n        {words}\n" in found, "an indented block is left alone"
    assert found.count("    # word") == 3
