"""What the commands' parameters share: the panels of the help, and those that several commands take."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer


def panel(title: str | None = None) -> Callable[..., Any]:
    """What declares the options of one panel; without a title, of the first.

    An option has what stands for its value and what it means. `default` are words for a default that the value does
    not tell by itself; `limits` are the least and the largest value.
    """

    def option(metavar: str, meaning: str, *flags: str, default: str | bool = True, **limits: Any) -> Any:
        return typer.Option(
            *flags, metavar=metavar, help=meaning, show_default=default, rich_help_panel=title, **limits
        )

    return option


def argument(metavar: str, meaning: str, default: str | bool = True) -> Any:
    """What declares an argument, in the words of an option."""
    return typer.Argument(metavar=metavar, help=meaning, show_default=default)


def best_of(name: str) -> str:
    """A run's name or folder stands for its best network; any other name for itself."""
    from nas.space.library import shipped

    found = (folder / "best.yaml" for folder in (Path(name), Path("runs") / name))
    return name if name in shipped() else next((str(path) for path in found if os.path.isfile(path)), name)  # noqa: PTH113


first = panel()
RunName = Annotated[str, argument("RUN", "A run's name, or its folder.")]
Runs = Annotated[Path, first("DIR", "The folder of runs.")]
SpaceName = Annotated[str, first("NAME|FILE", "The search space; see nas spaces.")]
