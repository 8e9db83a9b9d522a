"""Opening the runs that a caller names: by an object, a path, or a name in the folder of runs."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from nas.record.folders import find_run
from nas.record.run import Run
from nas.settings import text_of

Named = Run | str | Path
"""What stands for a run."""


def open_run(named: Named, runs: str | Path = "runs") -> Run:
    """Return a run, opened unless it is. Raises SettingError, with the nearest name, where there is none."""
    return named if isinstance(named, Run) else Run(find_run(text_of(named, "run"), Path(text_of(runs, "runs"))))


def open_runs(named: Named | Iterable[Named]) -> list[Run]:
    """Return runs, or the only one, in the same way."""
    return (
        [open_run(named)] if isinstance(named, Named) or not isinstance(named, Iterable) else list(map(open_run, named))
    )


def names_of(runs: Sequence[Run]) -> list[str]:
    """Name runs, those that share a name with another by their folders."""
    names = [run.name for run in runs]
    return [name if names.count(name) == 1 else str(run.folder) for name, run in zip(names, runs, strict=True)]
