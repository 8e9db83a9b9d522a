"""How much of a search's time is not spent on building, training and measuring networks, by its own record.

    python benchmarks/overhead.py runs/first
    python benchmarks/overhead.py --budget 100 --workers 2

Reads runs, or a search that it makes in a temporary folder, and prints where the time of the workers went, as the
report does. What they waited between two trainings is orchestration: proposals, records, turns at measuring.
"""

import argparse
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

import nas
from nas.record.analysis.timeline import BETWEEN, spent, stints
from nas.record.run import Run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="*", type=Path)
    parser.add_argument("--budget", type=int, default=100)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--sampler", default="pareto")
    parser.add_argument("--data", default="cluttered_digits")
    given = parser.parse_args()
    for folder in given.runs:
        show(Run(folder))
    if not given.runs:
        with tempfile.TemporaryDirectory() as folder:
            show(nas.search(data=given.data, budget=given.budget, sampler=given.sampler, workers=given.workers,
                            runs=folder, name="overhead"))  # fmt: skip


def show(run: Run) -> None:
    """Print where the time of a run's workers went."""
    side_by_side = stints(run)
    rows = spent(run, side_by_side)
    workers = 1 + max(stint.lane for stint in side_by_side)
    title = f"{run.name}: {len(run.trials)} trials, {run.config.sampler}, at most {workers} at once"
    table = Table("time of the workers", "seconds", "share", title=title)
    for row in rows:
        table.add_row(row.what, f"{row.seconds:,.1f}", f"{row.share:.2%}")
    console = Console(width=100)
    console.print(table)
    waited = sum(row.seconds for row in rows if row.what == BETWEEN)
    console.print(f"between two trainings {1e3 * waited / max(len(side_by_side) - workers, 1):,.0f} ms, a mean\n")


if __name__ == "__main__":
    main()
