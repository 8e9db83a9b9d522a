"""Write the architectures of a run as files: the best one, and those of the front."""

import re
from collections.abc import Sequence
from pathlib import Path

from nas import files
from nas.record.folders import PICKED
from nas.record.results import Result
from nas.record.run import Run

FRONT = "front"
FRONT_FILE = re.compile(r"\d+_.*_trial-\d+\.yaml")


def write_architectures(run: Run) -> None:
    """Write the picked network to `best.yaml` and the front to `front/`, one file a result in the front's order.

    Files of an older front are removed, and `best.yaml` too where nothing is on the front any more. Raises OSError when
    they cannot be written.
    """
    folder, front = run.folder / FRONT, run.front()
    folder.mkdir(exist_ok=True)
    wanted = {
        _file_name(rank, len(front), result, run.config.objectives): result.named(run.name).to_yaml()
        for rank, result in enumerate(front, 1)
    }
    for name, text in wanted.items():
        if not _holds(folder / name, text):  # to write one takes a hundred times as long
            files.write(folder / name, text)
    for path in folder.iterdir():
        if FRONT_FILE.fullmatch(path.name) and path.name not in wanted:
            path.unlink(missing_ok=True)  # another page may be written at once
    if front:
        files.write(run.folder / PICKED, run.pick().named(run.name).to_yaml())
    else:
        (run.folder / PICKED).unlink(missing_ok=True)


def _holds(path: Path, text: str) -> bool:
    try:
        return path.read_bytes() == text.encode()
    except OSError:
        return False


def _file_name(rank: int, count: int, result: Result, objectives: Sequence[str]) -> str:
    digits = max(2, len(str(count)))
    values = [f"{name}-{_plain(result.metrics[name])}" for name in objectives]
    return "_".join([f"{rank:0{digits}d}", *values, f"trial-{result.number}.yaml"])


def _plain(value: float) -> str:
    return f"{value:.4g}" if abs(value) < 1e4 else f"{value:.0f}"
