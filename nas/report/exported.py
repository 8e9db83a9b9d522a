"""Opening what was written in any format: the function behind `nas predict` and `nas evaluate`."""

import os
from pathlib import Path

from nas.errors import SettingError
from nas.files import quoted
from nas.network.foreign_files import foreign
from nas.record.folders import is_run, is_trained
from nas.record.models import BEST, CONFIG, WEIGHTS, is_hub, load
from nas.registry import FORMATS
from nas.report.formats import Format, Reader
from nas.report.metadata import reader_of
from nas.training.caller import undisturbed


def find_exported(name: str, runs: Path) -> Path:
    """Return the file or folder that a name stands for. Raises SettingError for a search, which keeps no weights."""
    for path in (Path(name), runs / name):
        if is_trained(path):
            return path
        if is_run(path):
            raise SettingError(f"{name}: a search, which keeps no weights; nas train {quoted(name)} trains its best "
                               "network to the end")  # fmt: skip
    return Path(name)


@undisturbed()
def open_exported(path: Path | str) -> Reader:
    """Open what `nas train` or `nas export` wrote, ready to run here.

    Never runs code in it, but that of a `.py` file, and of the plug-ins that a training keeps.

    Raises SettingError where it is missing, damaged or of no known kind.
    """
    path = Path(path)
    if os.path.isdir(path):  # noqa: PTH112  (pathlib raises for names that are too long)
        if (path / BEST).is_file():
            return reader_of(load(path))
        if is_hub(path):
            return _read("hub", path)
        found = f"has no {BEST} yet" if is_trained(path) else f"holds neither {BEST} nor {CONFIG} and {WEIGHTS}"
        raise SettingError(f"{path}: the folder {found}. {_readable()}")
    if not os.path.isfile(path):  # noqa: PTH113
        raise SettingError(f"{path}: no such file or folder. {_readable()}")
    name = _reading(path)
    if name is None:
        raise SettingError(f"{path}: '{path.suffix}' is no kind of file with a network that runs here. {_readable()}")
    return _read(name, path)


def _read(name: str, path: Path) -> Reader:
    kind: Format = FORMATS.get(name)
    assert kind.reads is not None
    if path.is_file() and (what := foreign(path)):
        raise SettingError(f"{path}: not a network, but {what}")
    with FORMATS.telling(name, "reads(path)"):
        return kind.reads(path)


def _reading(path: Path) -> str | None:
    """Name the format that reads a file: what claims it, else what its suffix stands for."""
    named = _by_suffix()
    suffix = max((end for end in named if path.name.lower().endswith(end)), key=len, default="")
    for name, kind in _readers().items():
        if kind.suffix.lower() == suffix:
            with FORMATS.telling(name, "claims(path)"):
                if kind.claims(path):
                    return name
    return named.get(suffix)


def _by_suffix() -> dict[str, str]:
    """Name the format that reads each suffix: of several the one named like it, else the first by name."""
    found: dict[str, str] = {}
    for name, kind in sorted(_readers().items(), key=lambda one: (one[1].suffix != f".{one[0]}", one[0])):
        found.setdefault(kind.suffix.lower(), name)
    return found


def _readers() -> dict[str, Format]:
    """Return the formats whose files can be read here."""
    return {name: kind for name, kind in FORMATS.sound().items() if kind.reads and kind.suffix}


def _readable() -> str:
    suffixes = ", ".join(sorted(_by_suffix()))
    return f"Give a folder that nas train or nas export --format hub left, or a file: {suffixes}"
