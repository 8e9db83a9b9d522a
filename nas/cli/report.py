"""nas report: write a run's page anew."""

from pathlib import Path

import nas
from nas.cli.options import AsJson, RunName, Runs
from nas.cli.outcome import conclude, nothing_came, run_facts
from nas.cli.terminal import Terminal, print_json
from nas.record.folders import find_run, is_trained


def report(run: RunName, as_json: AsJson = False, runs: Runs = Path("runs")) -> None:
    """Write a run's report, table, best network and front anew, and print the front."""
    if any(is_trained(folder) for folder in (Path(run), runs / run)):
        from nas.cli.training import report_again  # needs torch

        report_again(run, runs, as_json=as_json)
        return
    found = nas.Run(find_run(run, runs))
    nas.write_report(found)
    if as_json:
        print_json(run_facts(found))
    else:
        conclude(Terminal(), found)
    if not found.results:
        Terminal(stderr=True).say(("warning:", "yellow"), f" {nothing_came(found)}")
