"""nas report: draw a run."""

from pathlib import Path

from nas.cli.parameters import RunName, Runs


def report(
    run: RunName,
    runs: Runs = Path("runs"),
) -> None:
    """Write a run's report, table, best network and front anew, and print the front."""
    from rich.console import Console

    from nas.cli.watch import conclude
    from nas.record.folders import find_run
    from nas.record.run import Run
    from nas.report.page import write_report

    found = Run(find_run(run, runs))
    write_report(found)
    conclude(Console(), found)
