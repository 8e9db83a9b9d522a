"""nas calibrate: say how well short trainings rank the networks of a space, and which ladder can be trusted."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from rich import box
from rich.table import Table

import nas
from nas.cli.options import OFFERED, AsJson, Runs, option, read_settings, takes_settings
from nas.cli.search import watched
from nas.cli.terminal import Terminal, print_json
from nas.evaluation.plugins import load_plugins
from nas.evaluation.units import show
from nas.files import quoted
from nas.record.folders import CALIBRATION

if TYPE_CHECKING:
    from nas.record.analysis.reliability import Reliability
    from nas.record.run import Run

OWN = ("budget", "objectives", "promotion", "confirm", "rungs", "pick", "warm_start", "prefilter")
ASKED = {name: offered for name, offered in OFFERED.items() if name not in OWN}
"""The settings of a search that a calibration takes."""


@takes_settings(ASKED)
def calibrate(
    *,
    networks: Annotated[int, option("N", "Networks to train in full, twice.", "--networks", "-n", min=8)] = 24,
    rungs: Annotated[str, option("NUMBERS", "Lengths to compare; the last is in full.")] = "1,2,4,8,16",
    apply: Annotated[bool, option("", "Keep the ladder for later searches.", "--apply")] = False,
    as_json: AsJson = False,
    name: Annotated[str, option("NAME", "The run's name; one that is there goes on.")] = "calibration",
    runs: Runs = Path("runs"),
    **typed: Any,
) -> None:
    """Say how well short trainings rank networks, and which ladder can be trusted.

    Every network climbs all rungs and is trained in full once more, from another seed. With
    --apply later searches of the same space, data and recipe take the ladder that it found.
    """
    load_plugins(*typed["plugins"])
    settings = read_settings(typed, ASKED)
    own: dict[str, Any] = {"networks": networks, "rungs": rungs, "name": name, "runs": runs}
    again = f"the same command, with --name {quoted(name)}"
    run = watched(lambda watcher: nas.calibrate(watcher=watcher, **own, **settings), again)
    conclude(run, apply=apply, as_json=as_json)


def conclude(run: "Run", *, apply: bool = False, as_json: bool = False) -> None:
    """Work out what a calibration tells, keep it, write its page and print it, also where it ended long ago."""
    found = nas.reliability(run)
    found.keep(run)
    if apply and found.ladder:
        found.apply(run)
    nas.write_calibration(run, found)
    if as_json:
        print_json(asdict(found) | {"applied": found.applied(run)})
        return
    _print(Terminal(), run, found, asked=apply)


def _print(terminal: Terminal, run: "Run", found: "Reliability", *, asked: bool) -> None:
    best = [f"tau, best {found.best}"] if found.tells_best else []
    table = Table("", "cost", "tau, all", *best, "rho", box=box.SIMPLE_HEAD)
    for ranking in (*found.rungs, *found.others):
        taus = [str(agreement) for agreement in (ranking.every, ranking.best) if agreement]
        table.add_row(ranking.name, ranking.cost, *taus, f"{ranking.every.rho:z.2f}")
    terminal.table(table)
    if found.rates:
        factors = next(iter(found.rates.values()))
        table = Table("alone", *(f"{factor} × the learning rate" for factor in factors), box=box.SIMPLE_HEAD)
        for kind, reached in found.rates.items():
            table.add_row(kind, *(show(found.objective, value) for value in reached.values()))
        terminal.table(table)
    for sentence in (found.verdict, *found.notes()):
        terminal.remark(sentence)
    if found.applied(run):
        ladder = ",".join(map(str, found.ladder))
        terminal.remark(f"Later searches of this space, data and recipe take --rungs {ladder} unless told otherwise.")
    elif asked:
        terminal.remark("Nothing is kept for later searches.")
    terminal.say(f"\n  page    {run.folder / CALIBRATION}")
    if found.ladder or found.exhausted:
        terminal.following(found.searching(run))
    else:
        terminal.following(f"{found.going_on(run)} -n {found.more}")
