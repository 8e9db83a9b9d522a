"""nas runs: list runs and trainings."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from rich import box
from rich.filesize import decimal
from rich.table import Table

from nas.cli.options import AsJson, argument
from nas.cli.tables import TIGHT
from nas.cli.terminal import Terminal, print_json
from nas.errors import SettingError
from nas.evaluation.units import age, duration, show, words
from nas.files import quoted
from nas.record.folders import is_run, is_trained
from nas.record.listing import Entry, State, entries

COLOURS: dict[State, str] = {"running": "green", "finished": "", "stopped": "yellow", "damaged": "red"}
AGAIN = {"search": "nas resume {}", "training": "nas train {} --resume"}
COLUMNS: dict[str, Callable[[Entry], str]] = {
    "name": lambda entry: entry.folder.name,
    "kind": lambda entry: entry.summary.kind,
    "state": lambda entry: entry.state,
    "done": lambda entry: _done(entry),
    "best": lambda entry: _best(entry),
    "age": lambda entry: age(time.time() - entry.began),
    "size": lambda entry: decimal(entry.size),
}
DISPENSABLE = ("size", "age", "kind")  # in a narrow terminal, in this order


def runs(
    folder: Annotated[Path, argument("DIR", "The folder of runs.")] = Path("runs"),
    as_json: AsJson = False,
) -> None:
    """List searches and trainings: state, how far they are, best value, age, size.

    What is stopped can go on; what is damaged is listed with the reason.
    """
    found = []
    terminal = Terminal(stderr=True)
    with terminal.doing(f"reading {folder}") as status:
        for entry in entries(folder):
            found.append(entry)
            status.update(terminal.brief(f"reading {folder}: {len(found)} read"))
    found.sort(key=lambda entry: -entry.began)
    if as_json:
        print_json([entry.facts() for entry in found])
        return
    console = Terminal()
    if not found:
        itself = is_run(folder) or is_trained(folder)
        console.say(f"{folder} {'is a run itself' if itself else 'holds no run'}")
        console.following(f"nas report {quoted(folder)}" if itself else "nas search --budget 20")
        return
    left_out = (DISPENSABLE[:count] for count in range(len(DISPENSABLE) + 1))
    console.table(*(_table(found, [name for name in COLUMNS if name not in gone]) for gone in left_out))
    for entry in found:
        if entry.state == "damaged":
            console.remark(f"{entry.folder.name}: {entry.summary.reason}")
    stopped = next((entry for entry in found if entry.state == "stopped" and entry.summary.kind in AGAIN), None)
    ready = next((entry for entry in found if entry.state != "damaged" and entry.summary.done), None)
    commands = [AGAIN[stopped.summary.kind].format(quoted(stopped.folder))] if stopped else []
    commands += [f"nas report {quoted(ready.folder)}"] if ready else []
    console.following(*(commands or ["nas search --budget 20"]))


def _table(found: list[Entry], names: list[str]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=TIGHT)
    for name in names:
        table.add_column(name, justify="right" if name in ("best", "age", "size") else "left", overflow="fold")
    for entry in found:
        table.add_row(*(COLUMNS[name](entry) for name in names), style=COLOURS[entry.state])
    return table


def _done(entry: Entry) -> str:
    """Write how much is done of how much: trainings of a search, epochs of a training."""
    one = entry.summary
    if entry.state == "damaged":
        return ""
    left = ", none left" if one.exhausted else ""
    if one.of_seconds:
        return f"{one.done} in {duration(one.seconds)} of {duration(one.of_seconds)}{left}"
    return f"{one.done}/{one.of}{left}"


def _best(entry: Entry) -> str:
    one = entry.summary
    if one.best is None:
        return ""
    try:
        return f"{words(one.objective)} {show(one.objective, one.best)}"
    except SettingError:  # of a plug-in that the process which read the run had loaded, and this has not
        return f"{one.objective} {one.best:.4g}"
