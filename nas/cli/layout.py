"""nas layout: say where the networks of fronts attend, beside random ones of the same cost."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from rich import box
from rich.table import Table

import nas
from nas.cli.completion import searches
from nas.cli.options import AsJson, Runs, argument, option
from nas.cli.terminal import Terminal, print_json
from nas.cli.unfinished import tell_unfinished
from nas.evaluation import units
from nas.files import quoted
from nas.record.folders import PICKED, REPORT, find_run
from nas.report.running import Running

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nas.record.analysis.layouts import Layouts, Worth


def layout(
    names: Annotated[list[str], argument("RUN", "Finished searches, pooled, such as seeds of one.", names=searches)],
    members: Annotated[int, option("N", "Random networks of each space.", min=10, max=100_000)] = 500,
    seed: Annotated[int, option("N", "Of the random networks and the permutations.", min=0)] = 0,
    as_json: AsJson = False,
    runs: Runs = Path("runs"),
) -> None:
    """Say where the networks of fronts attend, beside random ones of the same cost.

    Each network of a front is compared with random ones of its space that have the same stages
    and as many multiply-adds, and whether attention rises with the stage is tested. All trained
    networks tell what each block is worth at each stage. The reports of the runs are written anew, with
    the figures.
    """
    tell_unfinished(runs, *names)
    found = [nas.Run(find_run(name, runs)) for name in names]
    terminal = Terminal()
    with Terminal(stderr=True).doing(f"drawing {members:,} random networks of each space"):
        compared = nas.layouts(found, members=members, seed=seed)
    print_json(asdict(compared)) if as_json else _print(terminal, compared)
    for run in found:
        compared.keep(run)
        now = nas.Run(run.folder)  # which may have gone on meanwhile
        nas.write_report(now, Running.elsewhere(now))
    if not as_json:
        for run in found:
            terminal.say(f"  report  {run.folder / REPORT}")
        terminal.following(f"nas show {quoted(found[0].folder / PICKED)}")


def _print(terminal: Terminal, found: "Layouts") -> None:
    table = Table("layout", "networks", box=box.SIMPLE_HEAD)
    for name, count in list(found.found.items())[:10]:
        table.add_row(name, str(count))
    terminal.table(table)
    have = ["networks"] if found.left_out else []
    table = Table("", *have, "attends on the front", "95 % interval", "random, same cost", box=box.SIMPLE_HEAD)
    for share in found.stages:
        low, high = (f"{end:.0%}" for end in share.interval)
        own = [str(found.networks - found.left_out.get(share.stage, 0))][: len(have)]
        table.add_row(f"stage {share.stage}", *own, f"{share.front:.0%}", f"{low} to {high}", f"{share.random:.0%}")
    terminal.table(table)
    for sentence in found.sentences():
        terminal.remark(sentence)
    terminal.say("")
    if found.worths:
        _print_worths(terminal, found.worths)
    else:
        terminal.remark("Too few networks were trained, or too much alike, to tell what each block is worth: it takes "
                        "some three for each block that each stage offers, for each stage that may be left out, and "
                        "for each run.\n")  # fmt: skip


def _print_worths(terminal: Terminal, worths: "Sequence[Worth]") -> None:
    """Print a row a stage and a column a block."""
    blocks = list(dict.fromkeys(one.block for one in worths))
    name = worths[0].objective
    unit = units.unit_of(name, [one.value for one in worths])
    rows: dict[int, dict[str, str]] = {}
    for one in worths:
        rows.setdefault(one.stage, {})[one.block] = one.show(unit)
    table = Table("worth", *blocks, box=box.SIMPLE_HEAD)
    for stage, cells in rows.items():
        table.add_row(f"stage {stage}", *(cells.get(block, "") for block in blocks))
    terminal.table(table)
    terminal.remark(f"Worth: {units.difference_of(name, unit)} above the mean of the stage's blocks, between all "
                    "trained networks of equal multiply-adds and equal blocks elsewhere, "
                    "with 95 % intervals.")  # fmt: skip
    terminal.say("")
