"""nas resume: go on with an interrupted search, or with a finished one under a larger budget."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from nas.cli.display import Display
    from nas.run import Run


def resume(
    run: Annotated[str, typer.Argument(help="A run's name or folder.")],
    budget: Annotated[str | None, typer.Option(help="A new budget in all: 400, 1h.")] = None,
    runs: Annotated[Path, typer.Option(help="The folder of runs.")] = Path("runs"),
) -> None:
    """Continue a search; finished trials are kept, only the interrupted one is repeated."""
    from nas.cli.watch import watch
    from nas.folders import find_run

    folder = find_run(run, runs)

    def begin(display: "Display") -> "Run":
        from nas.driver import resume as go_on

        return go_on(folder, budget=budget, watcher=display.watcher())

    watch(begin)
