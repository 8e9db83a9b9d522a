"""nas report: draw a run."""

from pathlib import Path
from typing import Annotated

import typer


def report(
    run: Annotated[str, typer.Argument(help="A run's name or folder.")],
    runs: Annotated[Path, typer.Option(help="The folder of runs.")] = Path("runs"),
) -> None:
    """Write a run's report, table, best architecture and front anew, and print the front."""
    from rich.console import Console

    from nas.cli.watch import conclude
    from nas.folders import find_run
    from nas.report import write_report
    from nas.run import Run

    found = Run(find_run(run, runs))
    write_report(found)
    conclude(Console(), found)
