"""How much of a search's time is not spent on building, training and measuring networks.

Runs a real search in a temporary folder and sets its wall time, from the first proposal to the last record, against
the time the trials say they took. What is left is orchestration: proposals, records, the display.

    python benchmarks/overhead.py --budget 100
"""

import argparse
import tempfile
import time

from rich.console import Console
from rich.table import Table

import nas
from nas.engine.watcher import Watcher


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget", type=int, default=100)
    parser.add_argument("--sampler", default="pareto")
    parser.add_argument("--data", default="cluttered_digits")
    options = parser.parse_args()
    marks: list[float] = []

    def mark(*_: object) -> None:
        marks.append(time.perf_counter())

    with tempfile.TemporaryDirectory() as folder:
        watcher = Watcher(began=lambda job, run: mark() if job.purpose == "search" else None, ended=mark)
        start = time.perf_counter()
        run = nas.search(
            data=options.data, budget=options.budget, sampler=options.sampler, runs=folder, watcher=watcher,
            confirm=0, workers=1,
        )  # fmt: skip
        whole = time.perf_counter() - start
    span, busy = marks[-1] - marks[0], run.seconds  # marks alternate: a trial begins, and it ends
    gaps = [after - before for before, after in zip(marks[1::2], marks[2::2], strict=False)]
    table = Table("what", "seconds", "share of the trials' span", title=f"{options.budget} trials, {options.sampler}")
    steps = {step: sum(t.outcome.seconds.get(step, 0) for t in run.trials) for step in ("build", "measure", "train")}
    for step, seconds in (*steps.items(), ("orchestration", span - busy)):
        table.add_row(step, f"{seconds:.2f}", f"{seconds / span:.2%}")
    table.add_row("start-up and report", f"{whole - span:.2f}", "")
    console = Console()
    console.print(table)
    console.print(f"between trials: mean {1e3 * sum(gaps) / len(gaps):.0f} ms, last ten {1e2 * sum(gaps[-10:]):.0f} ms")


if __name__ == "__main__":
    main()
