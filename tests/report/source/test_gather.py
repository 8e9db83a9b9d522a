"""What goes along with a class, and what stays behind."""

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from nas.report.source.files import run_file
from nas.report.source.gather import Sources
from nas.report.source.modules import Key
from nas.report.source.names import Names

Write = Callable[[str], str]


@pytest.fixture
def written(tmp_path: Path) -> Iterator[Write]:
    """Write a module of a class `Part`, and return the text of all that the class needs."""
    before = set(sys.modules)

    def write(text: str) -> str:
        (tmp_path / "part.py").write_text(text)
        module: ModuleType = run_file(tmp_path / "part.py")
        names = Names(Sources([module.Part]), {Key(module.__name__, "Part"): "Part"}, {"Taken"})
        code = "\n\n".join(names.text(definition) for definition in names.definitions)
        return names.imports(set(re.findall(r"\w+", code))) + code

    yield write
    for name in set(sys.modules) - before:
        if name.startswith("part_"):
            del sys.modules[name]


def test_only_what_is_named_goes_along(written: Write) -> None:
    text = written('''
"""A module."""
import math
from math import pi
from torch import nn, Tensor

# kept with what follows it
USED = 1  # noqa: X1 - a remark for a tool
UNUSED = 2

def helper(x): return x * USED * pi
def unused(x): return math.sqrt(x)

class Part(nn.Module):
    """A class."""

    flag = 3

    unused_attribute = 4
    """What it is."""

    def forward(self, x: Tensor) -> Tensor:
        return helper(self._inner(x))

    def _inner(self, x):
        return x

    def _outer(self, x):
        return getattr(self, "flag")

    def extra_repr(self):
        return "by torch"
''')
    assert "# kept with what follows it\nUSED = 1\n" in text
    assert text.startswith("from math import pi\n")
    for kept in ("def helper", "def _inner", "def extra_repr"):
        assert kept in text, kept
    for gone in ("UNUSED", "unused", "math.sqrt", "_outer", "flag", "What it is", "noqa", "import math"):
        assert gone not in text, gone


@pytest.mark.parametrize(
    "turned_on",
    [
        "def on(part):\n    part.switch = 1\n",
        "class Other(Part):\n    switch = 1\n",
        "def on(part):\n    part.register_buffer('switch', None)\n",
    ],
    ids=["assigned", "subclass", "by name"],
)
def test_a_branch_stays_where_something_may_turn_it_on(written: Write, turned_on: str) -> None:
    source = '''
from torch import nn

class Base(nn.Module):
    """A class.

    It has a `switch`. This stays.
    """

    switch: int | None = None

    def forward(self, x):
        """Do it.

        Or something else.
        """
        found = self.switch + x if self.switch else None
        if found is None:
            return x + 1
        return found * 1234

class Part(Base):
    def extra_repr(self):
        return USES
'''
    off = written(source.replace("return USES", "return 0"))
    assert "return x + 1" in off
    assert "This stays." in off
    for gone in ("1234", "switch", "Or something else"):
        assert gone not in off, gone
    name = "Other" if "Other" in turned_on else "on"
    on = written(source.replace("USES", name) + "\n" + turned_on)
    assert "1234" in on
    assert "It has a `switch`." in on


def test_a_class_of_which_nothing_stays_is_empty(written: Write) -> None:
    text = written("from torch import nn\n\nclass Part(nn.Sequential):\n    letter = 'P'\n    other = 1\n")
    assert text.endswith("class Part(nn.Sequential):\n    pass\n")


def test_names_of_builtins_and_of_the_file_are_left_to_them(written: Write) -> None:
    text = written("""
from torch import nn
from torch import Tensor as Taken

def print(x): return x
def local(x): return x

class Part(nn.Module):
    def forward(self, x: Taken):
        for local_ in [print(x)]:
            return [local(local_) for local_ in [x]]
""")
    assert "def print(" not in text
    assert "import Tensor as " in text
    assert not re.search(r"\bTaken\b", text)
    compile(text, "text", "exec")
