"""Write the architectures of a run as files: the best one, and those of the front."""

import re
from collections.abc import Sequence

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
    names = [_file_name(rank, len(front), result, run.config.objectives) for rank, result in enumerate(front, 1)]
    for name, result in zip(names, front, strict=True):
        files.write(folder / name, result.named(run.name).to_yaml())
    for path in folder.iterdir():
        if FRONT_FILE.fullmatch(path.name) and path.name not in names:
            path.unlink(missing_ok=True)  # another page may be written at once
    if front:
        files.write(run.folder / PICKED, run.pick().named(run.name).to_yaml())
    else:
        (run.folder / PICKED).unlink(missing_ok=True)


def _file_name(rank: int, count: int, result: Result, objectives: Sequence[str]) -> str:
    digits = max(2, len(str(count)))
    values = [f"{name}-{_plain(result.metrics[name])}" for name in objectives]
    return "_".join([f"{rank:0{digits}d}", *values, f"trial-{result.number}.yaml"])


def _plain(value: float) -> str:
    return f"{value:.4g}" if abs(value) < 1e4 else f"{value:.0f}"
