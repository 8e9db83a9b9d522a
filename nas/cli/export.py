"""nas export: take an architecture out of a run."""

from pathlib import Path
from typing import Annotated

from nas.cli.parameters import RunName, Runs, first


def export(
    run: RunName,
    pick: Annotated[str, first("WHICH", "knee, an objective's name, or a trial's number.")] = "knee",
    output: Annotated[Path, first("FILE", "The YAML file to write.", "--output", "-o")] = Path("best.yaml"),
    force: Annotated[bool, first("", "Overwrite the file.", "--force")] = False,
    runs: Runs = Path("runs"),
) -> None:
    """Write one network of a run as a YAML file that rebuilds it: nas show, nas.build."""
    from rich.console import Console

    from nas.record.folders import find_run
    from nas.record.run import Run
    from nas.report.export import export as write

    path = write(Run(find_run(run, runs)), pick, output, force=force)
    Console().print(f"{path}\n\nNext:  nas show {path}\n       nas profile {path}", highlight=False, soft_wrap=True)
