"""Sides of a comparison: runs that repeat one another, whose settings differ in nothing but the seed."""

from collections.abc import Sequence
from dataclasses import dataclass

from nas import document
from nas.errors import SettingError
from nas.files import Json
from nas.record.folders import SPACE
from nas.record.opening import names_of
from nas.record.run import Run
from nas.record.seal import shown

FREE = frozenset({"seed", "split_seed", "budget", "workers", "ray", "executor", "gpus_per_trial", "trial_timeout",
                  "plugins", "log"})  # fmt: skip
"""Settings in which the runs of one side may differ."""
WRITTEN = "space as written"
NAMED = 3  # settings in the name of a side


@dataclass(frozen=True)
class Side:
    """Runs that repeat one another, with the settings in which they differ from the other sides as their name."""

    name: str
    runs: tuple[Run, ...]


def sides_of(runs: Sequence[Run]) -> tuple[Side, ...]:
    """Put runs that repeat one another on one side each. Raises SettingError for one that is another again."""
    groups: list[list[Run]] = []
    for run in runs:
        same = next((group for group in groups if not _apart(group[0], run)), None)
        if same is None:
            groups.append([run])
        else:
            check_another(same, run)
            same.append(run)
    return tuple(Side(name, tuple(group)) for name, group in zip(_names(groups), groups, strict=True))


def check_another(runs: Sequence[Run], run: Run) -> None:
    """Raise SettingError for a run that is one of some runs again, or its copy: it would count as another seed."""
    for known in runs:
        same_seeds = (known.config.seed, known.config.split) == (run.config.seed, run.config.split)
        if same_seeds and not _apart(known, run):
            raise SettingError(f"{known.folder} and {run.folder} differ in nothing, not even the seed "
                               f"({run.config.seed}), so they are one search; leave one out")  # fmt: skip


def differing(one: Run, other: Run) -> list[str]:
    """Name the settings in which two runs differ, the space too, but for those that repeat a search."""
    own, theirs = _settings(one), _settings(other)
    found = [key for key in dict.fromkeys((*own, *theirs)) if own.get(key) != theirs.get(key)]
    return found if WRITTEN in found else [key for key in found if key != "space"]  # one space may lie in two files


def _apart(one: Run, other: Run) -> list[str]:
    """Name the settings in which two runs differ on the same data, be they written as two paths."""
    return [key for key in differing(one, other) if key != "data"]


def _settings(run: Run) -> Json:
    """Return a run's settings, with those of its recipe beside them, and its space, as two files may have one name."""
    settings = run.config.model_dump(mode="json")
    recipe = settings.pop("recipe")
    space = {WRITTEN: run.seal.get("space") or document.read(run.folder / SPACE).value}  # early runs have no seal
    return {key: value for key, value in (settings | recipe | space).items() if key not in FREE}


def _names(groups: Sequence[Sequence[Run]]) -> list[str]:
    """Name each side by the settings in which the sides differ, or by its first run where these do not tell.

    One side alone is named by its space.
    """
    firsts = [group[0] for group in groups]
    if len(firsts) == 1:
        return [f"space={_settings(firsts[0])[WRITTEN].get('name', firsts[0].config.space)}"]
    keys = dict.fromkeys(key for one in firsts for other in firsts for key in _apart(one, other))
    settings = [_settings(run) for run in firsts]
    plain = [key for key in keys if not any(isinstance(values.get(key), dict) for values in settings)][:NAMED]
    names = [" ".join(f"{key}={shown(values.get(key))}" for key in plain) for values in settings]
    if len(set(names)) == len(names):
        return names
    return [f"{run} ({name})" if name else run for run, name in zip(names_of(firsts), names, strict=True)]
