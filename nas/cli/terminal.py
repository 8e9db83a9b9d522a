"""The one console of every command: what is printed is text and never markup, so that any name is shown as it is."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic_core import to_jsonable_python
from rich.console import Console, Group, RenderableType
from rich.measure import Measurement
from rich.padding import Padding
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.status import Status
from rich.table import Table
from rich.text import Text

from nas.files import visible

Drawn = TypeVar("Drawn", bound=RenderableType)
INDENT = 2  # columns before a remark
Piece = str | tuple[str, str]
"""A text, or a text with its style."""


def line(*pieces: Piece) -> Text:
    """Join pieces into one text."""
    plain = ((piece, "") if isinstance(piece, str) else piece for piece in pieces)
    return Text.assemble(*((visible(text), style) for text, style in plain))


class Terminal(Console):
    """A console without markup: a style is given beside the text that it is for."""

    def __init__(self, **more: Any) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, **more)

    @property
    def moves(self) -> bool:
        """Whether a picture can be drawn over itself here."""
        return self.is_terminal and not self.is_dumb_terminal

    def render_str(self, text: str, **more: Any) -> Text:
        """Make a text of what is printed or stands in a table."""
        return super().render_str(visible(text), **more)

    def say(self, *pieces: Piece) -> None:
        """Print pieces as one text, which the terminal itself wraps."""
        self.print(line(*pieces), soft_wrap=True)

    def remark(self, text: str) -> None:
        """Print a sentence, indented, and wrapped between words where a person reads it."""
        if self.is_terminal:
            self.print(Padding(line(text), (0, 0, 0, INDENT)))
        else:
            self.say(" " * INDENT + text)

    def table(self, *tables: Table) -> None:
        """Print the first table that the terminal is wide enough for, or else the last as records: a line a cell."""
        wide = self._wide_enough(tables)
        self.print(wide[0] if wide else _records(tables[-1]))

    def _wide_enough(self, pictures: Sequence[Drawn]) -> list[Drawn]:
        asked = self.options.update(max_width=10_000)
        return [picture for picture in pictures if Measurement.get(self, asked, picture).maximum <= self.width]

    def fitting(self, *pictures: Drawn) -> Drawn:
        """Return the first picture that the terminal is wide enough for, else the last."""
        return [*self._wide_enough(pictures), pictures[-1]][0]

    def following(self, *commands: str) -> None:
        """Print the commands to type next, whose names were quoted by `nas.files.quoted`."""
        self.say("\nNext:  " + "\n       ".join(commands))

    def doing(self, what: str) -> Status:
        """Show within a block what is being done."""
        return self.status(self.brief(what), spinner="line")

    def brief(self, text: str) -> Text:
        """Cut a text to a line with room for a spinner, for one that wraps cannot be drawn over."""
        return line(text[: max(self.width - 4, 1)])


def progress_bar(console: Terminal, **more: Any) -> Progress:
    """Make a bar as wide as the terminal, with what runs, the share done, the time taken and the time left."""
    return Progress(
        TextColumn("{task.description}", style="bold", markup=False),
        BarColumn(bar_width=None),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]}", style="dim", markup=False),
        console=console,
        expand=True,
        **more,
    )


def _records(table: Table) -> Group:
    """Draw the rows of a table below one another: its first cell, and below it the others with their headings."""
    title, *columns = table.columns
    drawn: list[RenderableType] = [Text.assemble(table.title, style="bold")] if isinstance(table.title, str) else []
    for i, first in enumerate(title.cells):
        grid = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        grid.add_column(no_wrap=True)
        grid.add_column(overflow="fold")
        for column in columns:
            if str(cell := list(column.cells)[i]):
                grid.add_row(Padding(column.header, (0, 0, 0, INDENT)), cell)
        drawn += [first, grid]
    return Group(*drawn, "")


def to_json(facts: object) -> str:
    """Write plain data and paths as JSON. A number that is none is null."""
    return json.dumps(to_jsonable_python(facts, inf_nan_mode="null", fallback=_plain), indent=1)


def _plain(value: Any) -> object:
    """Turn a NumPy number into Python's, and anything else into text."""
    return value.item() if hasattr(value, "item") else str(value)


def print_json(facts: object) -> None:
    """Print a command's result as JSON, alone on the standard output: what else is said goes to the standard error."""
    print(to_json(facts))  # noqa: T201


def tell_replaced(terminal: Terminal, page: Path, kind: str) -> None:
    """Say that a page that is about to be written replaces an earlier one, if it does."""
    if page.is_file():
        terminal.remark(f"note: {page} replaces an earlier {kind}; --output FILE keeps both")
