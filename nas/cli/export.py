"""nas export: take an architecture out of a run."""

from pathlib import Path
from typing import Annotated

import typer


def export(
    run: Annotated[str, typer.Argument(help="A run's name or folder.")],
    pick: Annotated[str, typer.Option(help="knee, an objective's name, or a trial's number.")] = "knee",
    output: Annotated[Path, typer.Option("--output", "-o", help="The YAML file to write.")] = Path("best.yaml"),
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
    runs: Annotated[Path, typer.Option(help="The folder of runs.")] = Path("runs"),
) -> None:
    """Write one architecture of a run as a YAML file that rebuilds the very network."""
    from rich.console import Console

    from nas.export import export as write
    from nas.folders import find_run
    from nas.run import Run

    path = write(Run(find_run(run, runs)), pick, output, force=force)
    Console().print(f"{path}\n\nNext:  nas show {path}\n       nas profile {path}", highlight=False, soft_wrap=True)
