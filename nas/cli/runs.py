"""nas report and nas export: write the report and the networks of a run on disk."""

from pathlib import Path
from typing import Annotated

from rich.console import Console

import nas
from nas.cli.options import RunName, Runs, option, plugin_flags
from nas.cli.outcome import conclude
from nas.record.folders import find_run, is_trained
from nas.report import export as exports


def report(run: RunName, runs: Runs = Path("runs")) -> None:
    """Write a run's report, table, best network and front anew, and print the front."""
    if any(is_trained(folder) for folder in (Path(run), runs / run)):
        from nas.cli.training import report_again  # needs torch

        report_again(run, runs)
        return
    found = nas.Run(find_run(run, runs))
    nas.write_report(found)
    conclude(Console(), found)


def export(
    run: RunName,
    pick: Annotated[str, option("WHICH", "knee, an objective's name, or a trial's number.")] = "knee",
    output: Annotated[Path, option("FILE", "The YAML file to write.", "--output", "-o")] = Path("best.yaml"),
    force: Annotated[bool, option("", "Overwrite the file.", "--force")] = False,
    runs: Runs = Path("runs"),
) -> None:
    """Write one network of a run as a YAML file that rebuilds it: nas show, nas.build."""
    found = nas.Run(find_run(run, runs))
    path = exports.export(found, pick, output, force=force)
    needed = plugin_flags(plugin.path for plugin in found.outside.files)
    lines = f"{path}\n\nNext:  nas show {path}{needed}\n       nas profile {path}{needed}"
    Console().print(lines, highlight=False, soft_wrap=True)
