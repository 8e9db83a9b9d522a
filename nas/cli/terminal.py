"""The one console of every command: what is printed is text and never markup, so that any name is shown as it is."""

import json
from math import isfinite
from typing import Any

from rich.console import Console, RenderableType
from rich.measure import Measurement
from rich.padding import Padding
from rich.status import Status
from rich.text import Text

from nas.files import visible

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

    def fitting(self, *pictures: RenderableType) -> RenderableType:
        """Return the first picture that the terminal is wide enough for, else the last."""
        asked = self.options.update(max_width=10_000)
        return next((p for p in pictures if Measurement.get(self, asked, p).maximum <= self.width), pictures[-1])

    def following(self, *commands: str) -> None:
        """Print the commands to type next, whose names were quoted by `nas.files.quoted`."""
        self.say("\nNext:  " + "\n       ".join(commands))

    def doing(self, what: str) -> Status:
        """Show within a block what is being done."""
        return self.status(line(what), spinner="line")


def to_json(facts: object) -> str:
    """Write plain data and paths as JSON. A number that is none is null."""
    return json.dumps(_said(facts), indent=1, default=str)


def print_json(facts: object) -> None:
    """Print a command's result as JSON, alone on the standard output: what else is said goes to the standard error."""
    print(to_json(facts))  # noqa: T201


def _said(value: object) -> object:
    """Replace what JSON has no word for."""
    if isinstance(value, dict):
        return {str(key): _said(kept) for key, kept in value.items()}
    if isinstance(value, list | tuple):
        return [_said(kept) for kept in value]
    return None if isinstance(value, float) and not isfinite(value) else value
