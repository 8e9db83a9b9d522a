"""nas report: write a run's page anew."""

from pathlib import Path

import nas
from nas.cli.options import RunName, Runs
from nas.cli.outcome import conclude, nothing_came
from nas.cli.terminal import Terminal
from nas.record.folders import find_run, is_trained


def report(run: RunName, runs: Runs = Path("runs")) -> None:
    """Write a run's report, table, best network and front anew, and print the front."""
    if any(is_trained(folder) for folder in (Path(run), runs / run)):
        from nas.cli.training import report_again  # needs torch

        report_again(run, runs)
        return
    found = nas.Run(find_run(run, runs))
    nas.write_report(found)
    conclude(Terminal(), found)
    if not found.results:
        Terminal(stderr=True).say(("warning:", "yellow"), f" {nothing_came(found)}")
