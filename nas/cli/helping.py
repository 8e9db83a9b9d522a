"""Commands: their help in typer's panels, where these would cut names off in a plain list, and no empty texts."""

import inspect
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from rich.padding import Padding
from typer.core import TyperCommand, TyperGroup

from nas.cli.terminal import INDENT, Terminal, line
from nas.errors import SettingError

NARROW = 70  # columns below which panels have no room for the longest option and its meaning


class _Plain:
    """The help of a command or a group, which on a narrow terminal is a plain list."""

    help: str | None

    def get_help_option(self, ctx: Any) -> Any:
        """Return the option --help."""
        return untyped(super().get_help_option(ctx))  # type: ignore[misc]

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help, its paragraphs without the line ends of their docstring."""
        self.help = re.sub(r"(?<!\n)\n(?!\n)", " ", inspect.cleandoc(self.help or ""))
        if Terminal().width < NARROW:
            _print_narrow(self, ctx)
        else:
            super().format_help(ctx, formatter)  # type: ignore[misc]


class Command(_Plain, TyperCommand):
    """A command that takes no empty text, which a shell makes of a variable that is not set."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read what was typed. Raises SettingError for an option or an argument without a text."""
        for before, text in pairwise(["", *args]):
            option, is_given, value = text.partition("=") if text.startswith("--") else (before, True, text)
            if is_given and not value and not ctx.resilient_parsing:  # as a shell completes
                name = option if option.startswith("-") else self.name
                raise SettingError(f"{name}: found an empty text; write one, or leave it out")
        return super().parse_args(ctx, args)


class Group(_Plain, TyperGroup):
    """A group of commands."""


def untyped(option: Any) -> Any:
    """Remove `<bool>` from the help of an option that is on or off."""
    option.metavar = ""
    return option


def _print_narrow(command: Any, ctx: Any) -> None:
    """Print the help of a command or a group: usage, what it does, and each option with its meaning below it."""
    console = Terminal()
    console.print(line(("Usage:", "bold"), f" {ctx.command_path} {' '.join(command.collect_usage_pieces(ctx))}\n"))
    console.print(line(f"{command.help}\n"))
    for panel, entries in _panels(command, ctx).items():
        console.print(line((panel, "bold")))
        for name, meaning in entries:
            console.print(Padding(line((name, "cyan")), (0, 0, 0, INDENT)))
            console.print(Padding(line(meaning), (0, 0, 0, 2 * INDENT)))
        console.print()
    if command.epilog:
        console.print(line(command.epilog))


def _panels(command: Any, ctx: Any) -> dict[str, list[tuple[str, str]]]:
    """Collect the arguments, options and commands, each with its meaning, by the panels of the help."""
    found: dict[str, list[tuple[str, str]]] = {}
    for panel, name, meaning in _entries(command, ctx):
        found.setdefault(panel, []).append((name, meaning))
    return found


def _entries(command: Any, ctx: Any) -> Iterator[tuple[str, str, str]]:
    for parameter in command.get_params(ctx):
        if record := parameter.get_help_record(ctx):
            panel = "Arguments" if parameter.param_type_name == "argument" else "Options"
            yield getattr(parameter, "rich_help_panel", None) or panel, *record
    for name, under in getattr(command, "commands", {}).items():
        yield "Commands", name, under.help or ""
