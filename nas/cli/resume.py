"""nas resume: go on with an interrupted search, or with a finished one under a larger budget."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from nas.cli.parameters import RunName, Runs, first

if TYPE_CHECKING:
    from nas.cli.display import Display
    from nas.record.run import Run


def resume(
    run: RunName,
    budget: Annotated[
        str | None, first("N|TIME", "A new budget, what is done included: 400, 1h.", default="its own")
    ] = None,
    runs: Runs = Path("runs"),
) -> None:
    """Go on with a search, interrupted or finished; only interrupted trials are repeated."""
    from nas.cli.watch import watch
    from nas.record.folders import find_run

    folder = find_run(run, runs)

    def begin(display: "Display") -> "Run":
        from nas.engine.search import resume as go_on

        return go_on(folder, budget=budget, watcher=display.watcher())

    watch(begin)
