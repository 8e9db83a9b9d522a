"""Options of a command as its help groups them, each with what stands for its value and what it means."""

from collections.abc import Callable
from typing import Any

import typer


def panel(title: str | None = None) -> Callable[..., Any]:
    """What declares the options of one panel; without a title, of the first.

    `default` are words for a default that the value does not tell by itself.
    """

    def option(metavar: str, meaning: str, *flags: str, default: str | bool = True) -> Any:
        return typer.Option(*flags, metavar=metavar, help=meaning, show_default=default, rich_help_panel=title)

    return option
