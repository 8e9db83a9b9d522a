"""Remark that a run goes on, beside what a command prints of it."""

import os
from pathlib import Path

from nas.cli.terminal import Terminal
from nas.record.folders import is_locked, is_run, is_trained
from nas.space.library import shipped


def tell_unfinished(runs: Path, *names: str) -> None:
    """Say which of these runs and trainings still go on. The names are of them or of their networks."""
    for folder in dict.fromkeys(_home(name, runs) for name in names):
        if folder and is_locked(folder):
            Terminal(stderr=True).remark(f"note: {folder} still runs: this is what it has by now")


def _home(name: str, runs: Path) -> Path | None:
    """Find the folder of the run or the training that a name, as `find_network` takes it, is of."""
    if name in shipped():
        return None
    before = name.rpartition(":")[0] or name
    above = Path(name).absolute().parents[:2] if os.path.isfile(name) else ()  # noqa: PTH113  (never raises)
    places = (Path(name), runs / name, Path(before), runs / before, *above)
    return next((folder for folder in places if is_run(folder) or is_trained(folder)), None)
