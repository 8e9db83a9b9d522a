"""Write architectures as files: the best one, those of the front, and any that is picked."""

import re
from collections.abc import Sequence
from pathlib import Path

from nas import files
from nas.errors import SettingError
from nas.record.results import Result
from nas.record.run import Run

FRONT_FILE = re.compile(r"\d+_.*_trial-\d+\.yaml")


def export(run: Run, pick: str | int, path: Path | str, *, force: bool = False) -> Path:
    """Write the architecture that `Run.pick` finds to `path`.

    Raises SettingError for an unknown pick, and when `path` exists (unless `force`), its folder does not, or it
    cannot be written.
    """
    path = Path(path)
    architecture = run.pick(pick).named(run.name)
    try:
        check_place(path, force)
        architecture.save(path)
    except OSError as error:
        raise SettingError(f"{path}: cannot be written ({error.strerror}); choose another place") from None
    return path


def check_place(path: Path, force: bool, example: str = "best.yaml") -> None:
    """Raise SettingError when no file may be written to `path`, as it exists, is a folder, or has none around it."""
    if path.is_dir():
        raise SettingError(f"{path} is a folder; name a file in it, such as {path / example}")
    if path.exists() and not force:
        raise SettingError(f"{path} exists already; take another name, or replace it with --force")
    if not path.parent.is_dir():
        raise SettingError(f"{path}: the folder {path.parent} does not exist; make it first")


def write_architectures(run: Run) -> None:
    """Write the knee to `best.yaml` and the front to `front/`, one file a result in the front's order.

    Files of an older front are removed. Raises OSError when they cannot be written.
    """
    folder, front = run.folder / "front", run.front()
    folder.mkdir(exist_ok=True)
    names = [_file_name(rank, len(front), result, run.config.objectives) for rank, result in enumerate(front, 1)]
    for name, result in zip(names, front, strict=True):
        files.write(folder / name, result.named(run.name).to_yaml())
    for path in folder.iterdir():
        if FRONT_FILE.fullmatch(path.name) and path.name not in names:
            path.unlink()
    if front:
        files.write(run.folder / "best.yaml", run.pick("knee").named(run.name).to_yaml())


def _file_name(rank: int, count: int, result: Result, objectives: Sequence[str]) -> str:
    digits = max(2, len(str(count)))
    values = [f"{name}-{_plain(result.metrics[name])}" for name in objectives]
    return "_".join([f"{rank:0{digits}d}", *values, f"trial-{result.number}.yaml"])


def _plain(value: float) -> str:
    return f"{value:.4g}" if abs(value) < 1e4 else f"{value:.0f}"
