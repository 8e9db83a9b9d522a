"""The command line: parse, call, print. A command's module is imported when the command is called."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import FrameType
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from nas.cli.helping import Command, Group, untyped
from nas.cli.streams import steady_streams
from nas.errors import NasError, SettingError, UserError
from nas.files import home, visible

COMMANDS = {  # name: its module, and its line in the list of commands
    "search": ("search", "Search a space: ends with a Pareto front, a report and the best network as YAML."),
    "resume": ("search", "Go on with a search, interrupted or finished. Only interrupted trials are repeated."),
    "calibrate": ("calibrate", "Say how well short trainings rank networks, and which ladder can be trusted."),
    "train": ("train", "Train a network to the end: weights, a page, a verdict on the test part."),
    "report": ("report", "Write a run's report, table, best network and front anew, and print the front."),
    "runs": ("runs", "List searches and trainings: state, how far they are, best value, age, size."),
    "dashboard": ("dashboard", "Look at a run in optuna-dashboard, while it goes on and afterwards."),
    "compare": ("compare", "Put runs side by side: fronts, hypervolume, a test of the difference over seeds."),
    "layout": ("layout", "Say where the networks of fronts attend, beside random ones of the same cost."),
    "export": ("export", "Write a network in a format that runs elsewhere, and say what was checked."),
    "evaluate": ("evaluate", "Judge a trained network, or an exported file, on labelled images."),
    "predict": ("predict", "Print what a trained network finds in images: classes or boxes, with scores."),
    "show": ("show", "Draw a network: its stages, their blocks and costs; or say how two differ."),
    "profile": ("profile", "Count and measure the costs of a network, or of the networks of a space."),
    "spaces": ("spaces", "List the spaces and networks that ship, or show or copy one space."),
    "latency": ("latency", "Predict latency on another device: collect a package, run it there, fit."),
}

OWN = {  # what the options above all commands do
    "version": "Print the versions that matter, and the device.",
    "install_completion": "Let this shell complete commands and names.",
    "show_completion": "Print the script that does.",
}
NARROWEST = 20  # columns that a terminal may say to have


class Commands(Group):
    """Commands listed by their line in the table and imported when called."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the called command and import it."""
        name, listed, rest = super().resolve_command(ctx, args)
        return name, _load(name) if name and listed else listed, rest


def _load(name: str) -> Any:
    """Import the function, or the group of them, that has the command's name."""
    found = getattr(import_module(f"nas.cli.{COMMANDS[name][0]}"), name)
    if isinstance(found, typer.Typer):
        return typer.main.get_command(found)
    single = typer.Typer(add_completion=False)
    single.command(name, cls=Command)(found)
    return typer.main.get_command(single)


def _say_versions(asked: bool) -> None:
    if asked:
        import_module("nas.cli.version").print_versions()
        raise typer.Exit


def _top() -> Any:
    """Make the command above all others, with the options of its own."""
    top = typer.Typer(
        name="nas",
        cls=Commands,
        help="Search for vision networks that mix convolution and attention.",
        epilog="Begin with: nas spaces, then nas search --budget 20, then nas show on the best.yaml it names.",
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    @top.callback()
    def options(
        version: Annotated[bool, typer.Option("--version", callback=_say_versions, is_eager=True)] = False,
    ) -> None:
        pass

    made: Any = typer.main.get_command(top)
    for option in map(untyped, made.params):
        option.help = OWN.get(option.name, option.help)
    made.commands = {name: TyperCommand(name, help=line) for name, (_, line) in COMMANDS.items()}
    return made


app = _top()


def main() -> None:
    """Run the `nas` command. Its exit status is 2 for an error of the user's, 1 for a run's own failure."""
    with steady_streams(), _ended_like_interrupted():
        try:
            _settle()
            app(prog_name="nas")  # which names the variable of a shell that completes, however it was started
        except (NasError, OSError) as error:
            print(f"error: {visible(_said(error))}", file=sys.stderr)  # noqa: T201
            sys.exit(2 if isinstance(error, UserError) else 1)


@contextmanager
def _ended_like_interrupted() -> Iterator[None]:
    """Let SIGTERM end the block as Ctrl-C does, so that nothing half written stays, unless it is ignored."""

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _settle() -> None:
    """Set what packages look for in the environment, and fail or print nothing without.

    Raises SettingError in a folder that is gone, where torch would end the process with words of its own.
    """
    try:
        os.getcwd()  # noqa: PTH109  (pathlib makes an absolute path of it)
    except OSError:
        raise SettingError("the folder that you are in was deleted; go to another, as by cd") from None
    os.environ["HOME"] = str(home())
    columns = os.environ.get("COLUMNS", "")
    if columns and not (columns.isdecimal() and int(columns) >= NARROWEST):
        del os.environ["COLUMNS"]


def _said(error: Exception) -> str:
    """Say an error's message, or what the system found wrong with a file."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)
