"""nas compare: put runs side by side."""

from pathlib import Path
from typing import Annotated

import numpy as np
from rich import box
from rich.table import Table

import nas
from nas.cli.completion import searches
from nas.cli.options import AsJson, Runs, argument, option
from nas.cli.terminal import Terminal, print_json, tell_replaced
from nas.cli.unfinished import tell_unfinished
from nas.evaluation.units import duration, percent
from nas.files import quoted
from nas.record.folders import find_run
from nas.report.rendering import check_in_place


def compare(
    names: Annotated[list[str], argument("RUN", "Finished searches; seeds of one make a side.", names=searches)],
    output: Annotated[Path, option("FILE", "Write the page here.", "--output", "-o")] = Path("comparison.html"),
    as_json: AsJson = False,
    runs: Runs = Path("runs"),
) -> None:
    """Put runs side by side: fronts, hypervolume, a test of the difference over seeds.

    Runs whose settings differ in nothing but the seed make one side. Hypervolume is compared over
    trainings and over time. Runs with other objectives or other data are refused.
    """
    check_in_place(output, "comparison")
    tell_unfinished(runs, *names)
    found = nas.compare([nas.Run(find_run(name, runs)) for name in names])
    terminal = Terminal(stderr=as_json)
    tell_replaced(terminal, output, "comparison")
    nas.write_comparison(found, output)
    if as_json:
        print_json(found.facts() | {"page": output})
        return
    table = Table(
        "side", "run", f"hypervolume after {found.trainings}", "on the front", "time in all", box=box.SIMPLE_HEAD
    )
    for side in found.sides:
        shares = found.hypervolumes(side)
        for i, (run, share) in enumerate(zip(side.runs, shares, strict=True)):
            named = side.name if i == 0 else ""
            table.add_row(named, found.names[run.folder], percent(share), str(len(run.front())), duration(run.elapsed))
        if len(shares) > 1:
            mean, deviation = float(np.mean(shares)), float(np.std(shares, ddof=1))
            both = f"{percent(mean)} ± {percent(deviation)}"
            table.add_row("", "mean ± standard deviation", both, "", "", style="bold")
    terminal.table(table)
    for sentence in found.sentences():
        terminal.remark(sentence)
    terminal.say(f"\n  page    {output}")
    terminal.following(f"open {quoted(output)} in a browser")
