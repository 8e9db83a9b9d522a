"""The winner leaves the house: a run's picked architecture as a file that rebuilds the network."""

from dataclasses import replace
from pathlib import Path

from nas.errors import SettingError
from nas.record.run import Run


def export(run: Run, pick: str | int, path: Path | str, *, force: bool = False) -> Path:
    """Write the architecture that `Run.pick` finds to `path`.

    Raises SettingError for an unknown pick, and when `path` exists (unless `force`), its folder does not, or it
    cannot be written.
    """
    path = Path(path)
    trial = run.pick(pick)
    architecture = replace(trial.load(), name=f"{run.name[:80]}_{trial.number}")
    try:
        _check(path, force)
        architecture.save(path)
    except OSError as error:
        raise SettingError(f"{path}: cannot be written ({error.strerror}); choose another place") from None
    return path


def _check(path: Path, force: bool) -> None:
    if path.is_dir():
        raise SettingError(f"{path} is a folder; name a file in it, such as {path / 'best.yaml'}")
    if path.exists() and not force:
        raise SettingError(f"{path} exists already; take another name, or replace it with --force")
    if not path.parent.is_dir():
        raise SettingError(f"{path}: the folder {path.parent} does not exist; make it first")
