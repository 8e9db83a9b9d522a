"""The one console of every command: what is printed is text and never markup, so that any name is shown as it is."""

from typing import Any

from rich.console import Console
from rich.status import Status
from rich.text import Text

from nas.files import visible

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

    def following(self, *commands: str) -> None:
        """Print the commands to type next, whose names were quoted by `nas.files.quoted`."""
        self.say("\nNext:  " + "\n       ".join(commands))

    def doing(self, what: str) -> Status:
        """Show within a block what is being done."""
        return self.status(line(what), spinner="line")
