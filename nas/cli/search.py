"""nas search and nas resume: start a search, and go on with one."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import nas
from nas.cli.options import CHANGED, OFFERED, AsJson, RunName, Runs, option, read_settings, takes_settings
from nas.evaluation.plugins import load_plugins
from nas.record.folders import find_run

if TYPE_CHECKING:
    from nas.engine.watcher import Watcher


@takes_settings(OFFERED)
def search(
    *,
    as_json: AsJson = False,
    name: Annotated[str | None, option("NAME", "The run's name.", default="space and time")] = None,
    runs: Runs = Path("runs"),
    **typed: Any,
) -> None:
    """Search a space: ends with a Pareto front, a report and the best network as YAML."""
    load_plugins(*typed["plugins"])  # limits may name their objectives
    settings = read_settings(typed)
    watched(lambda watcher: nas.search(name=name, runs=runs, watcher=watcher, **settings), as_json=as_json)


@takes_settings(CHANGED)
def resume(
    run: RunName,
    *,
    as_json: AsJson = False,
    runs: Runs = Path("runs"),
    **typed: Any,
) -> None:
    """Go on with a search, interrupted or finished. Only interrupted trials are repeated.

    What is named changes from now on; all else stays as the search began.
    """
    folder, settings = find_run(run, runs), read_settings(typed, CHANGED)
    watched(lambda watcher: nas.resume(folder, watcher=watcher, **settings), as_json=as_json)


def watched(begin: "Callable[[Watcher], nas.Run]", again: str = "", *, as_json: bool = False) -> "nas.Run":
    """Run a search under the live display, or a part of another command, which is called `again` to go on."""
    from nas.cli.display import watch  # needs torch

    return watch(begin, again, as_json=as_json)
