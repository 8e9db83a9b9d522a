"""Run: a search on disk, and the Optuna study rebuilt from it.

The truth is `trials.jsonl`: one line a finished trial, on disk before the next trial begins.
"""

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from functools import cached_property
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import TypeAdapter

from nas import document, pareto
from nas.architecture import Architecture
from nas.config import Budget, SearchConfig, make_config
from nas.errors import RunError, SettingError, SpaceError
from nas.grammar import load_architecture, load_space
from nas.registry import OBJECTIVES, suggest
from nas.space import Decisions, Domain, SearchSpace

if TYPE_CHECKING:
    import optuna
    import pandas as pd

State = Literal["complete", "failed", "rejected"]
RECORD = "trials.jsonl"
BEGUN = "begun.jsonl"


@dataclass(frozen=True)
class Trial:
    """One proposed architecture and what became of it.

    `metrics` holds the value of every objective that was measured, in the objective's unit; `details` what else was
    learnt (spread of the latency, device, losses by epoch); `seconds` the time each step took. A `rejected` trial
    broke a limit before training and costs no budget; a `failed` one says why in `reason`. `ended` is when it was
    written, in seconds of the search's own clock, which stands while no search runs.
    """

    number: int
    state: State
    decisions: Decisions
    architecture: dict[str, Any]
    key: str
    layout: str
    metrics: dict[str, float] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    reason: str = ""
    sampler: dict[str, Any] = field(default_factory=dict)
    ended: float = 0.0

    def load(self) -> Architecture:
        """The architecture, checked against the grammar."""
        return load_architecture(self.architecture)


_TRIAL = TypeAdapter(Trial)
_DAMAGED = "the record was changed by hand or the disk failed: restore the line, or take it out"


class Run:
    """A search's folder: settings, space, every finished trial.

    Only the driver writes, and it holds the folder's lock; reading needs none.
    """

    def __init__(self, folder: Path) -> None:
        """Open an existing run. Raises SettingError when `folder` holds none, RunError when its record is damaged."""
        self.folder = Path(folder)
        if not (self.folder / "config.yaml").is_file():
            raise SettingError(f"{folder} is not a run (it has no config.yaml)")
        self.config: SearchConfig = _read_config(self.folder / "config.yaml")
        self.trials: list[Trial] = list(self._read())

    @classmethod
    def create(cls, folder: Path, config: SearchConfig, space: SearchSpace, environment: dict[str, Any]) -> "Run":
        """A new run in a new folder. Raises SettingError when it exists or cannot be written."""
        from nas.grammar import to_dict

        check_new(folder)
        try:
            folder.mkdir(parents=True)
            document.write(folder / "space.yaml", document.dump(to_dict(space)))
            document.write(folder / "environment.json", json.dumps(environment, indent=2) + "\n")
            document.write(folder / "config.yaml", document.dump(config.model_dump(mode="json")))
        except FileExistsError:
            raise _exists(folder) from None
        except OSError as error:
            shutil.rmtree(folder, ignore_errors=True)
            raise _unwritable(folder, error.strerror) from None
        return cls(folder)

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    @cached_property
    def space(self) -> SearchSpace:
        """The search space, fitted to the data."""
        return load_space(self.folder / "space.yaml")

    @cached_property
    def environment(self) -> dict[str, Any]:
        """Versions, device and commit the search ran with."""
        path = self.folder / "environment.json"
        try:
            data: dict[str, Any] = dict(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            raise RunError(f"{path}: missing or damaged; write {{}} into it if nothing else is known") from None
        return data

    @property
    def maximize(self) -> list[bool]:
        """Per objective, whether more is better."""
        return [OBJECTIVES.get(name).goal == "maximize" for name in self.config.objectives]

    def append(self, trial: Trial) -> None:
        """Add a finished trial; it is on disk when this returns. Raises RunError when it cannot be written."""
        line = json.dumps(asdict(trial), allow_nan=False) + "\n"
        path = self.folder / RECORD
        try:
            with path.open("ab", buffering=0) as file:  # a buffer would be written at last by closing the file
                end = file.tell()
                try:
                    _write_whole(file, line.encode())
                    os.fsync(file.fileno())
                except OSError:
                    os.truncate(path, end)  # a torn line must not be followed by a whole one
                    raise
        except OSError as error:
            raise RunError(
                f"{path}: cannot be written ({error.strerror}); free it and run: nas resume {self.folder}"
            ) from None
        self.trials.append(trial)

    def note_begun(self, number: int, decisions: Decisions) -> None:
        """Note a trial that starts, so that it is repeated if the search is killed; read by `interrupted` alone."""
        with (self.folder / BEGUN).open("a") as file:
            file.write(json.dumps([number, decisions]) + "\n")

    def interrupted(self) -> list[Decisions]:
        """The trials that were begun and never finished, in their order; forgets those that were."""
        path = self.folder / BEGUN
        lines = path.read_text().splitlines() if path.exists() else []
        finished = {trial.key for trial in self.trials}
        open_: dict[str, str] = {}
        for line in lines:
            try:
                key = self.space.replay(json.loads(line)[1]).key()
            except (ValueError, SpaceError):
                continue  # torn by a kill: that trial had not begun
            if key not in finished:
                open_[key] = line
        if path.exists():
            document.write(path, "".join(line + "\n" for line in open_.values()))
        return [json.loads(line)[1] for line in open_.values()]

    def extend(self, budget: Budget) -> None:
        """Give the search another budget (in all, not on top)."""
        self.config = self.config.model_copy(update={"budget": budget})
        document.write(self.folder / "config.yaml", document.dump(self.config.model_dump(mode="json")))

    def repair(self) -> None:
        """Read the record anew, and cut off a torn last line, left by a process that was killed as it wrote."""
        path = self.folder / RECORD
        if not path.exists():
            return
        data = path.read_bytes()
        whole = data[: data.rfind(b"\n") + 1]
        if len(whole) < len(data):
            os.truncate(path, len(whole))
        self.trials = list(self._read())

    def _read(self) -> Iterator[Trial]:
        path = self.folder / RECORD
        lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
        numbers: set[int] = set()
        for i, line in enumerate(lines, 1):
            try:
                trial = _TRIAL.validate_json(line, strict=True)
            except ValueError:
                raise RunError(f"{path}:{i}: not a trial; {_DAMAGED}") from None
            if trial.number in numbers:
                raise RunError(f"{path}:{i}: trial {trial.number} stands there twice; {_DAMAGED}")
            missing = set(self.config.objectives) - set(trial.metrics)
            if trial.state == "complete" and missing:
                raise RunError(f"{path}:{i}: trial {trial.number} has no {min(missing)}; {_DAMAGED}")
            numbers.add(trial.number)
            yield trial

    @property
    def trained(self) -> list[Trial]:
        """The trials that count against the budget."""
        return [t for t in self.trials if t.state != "rejected"]

    @property
    def complete(self) -> list[Trial]:
        """The trials that have a value for every objective."""
        return [t for t in self.trials if t.state == "complete"]

    @property
    def seconds(self) -> float:
        """Time spent on all trials."""
        return sum(sum(t.seconds.values()) for t in self.trials)

    @property
    def elapsed(self) -> float:
        """Seconds that the search took so far; less than `seconds` where trials ran side by side."""
        return max((t.ended for t in self.trials), default=0.0) or self.seconds

    def points(self, trials: Iterable[Trial]) -> pareto.Points:
        """The objectives' values `(trials, objectives)`."""
        rows = [[t.metrics[name] for name in self.config.objectives] for t in trials]
        return np.array(rows, float).reshape(len(rows), len(self.config.objectives))

    def front(self) -> list[Trial]:
        """The Pareto-optimal trials, by the last objective (the smallest network first)."""
        complete = self.complete
        best = [complete[i] for i in pareto.front(self.points(complete), self.maximize)]
        return sorted(best, key=lambda t: t.metrics[self.config.objectives[-1]])

    def pick(self, which: str | int = "knee") -> Trial:
        """A trial by `knee`, by an objective's name (the best in it) or by number. Raises SettingError for another."""
        front = self.front()
        if str(which).isdecimal():
            found = [t for t in self.complete if str(t.number) == str(which)]
            if not found:
                raise SettingError(f"{self.name} has no finished trial {which}; see {self.folder / 'trials.csv'}")
            return found[0]
        if which != "knee" and which not in self.config.objectives:
            allowed = ("knee", *self.config.objectives)
            raise SettingError(f"cannot pick '{which}'. {suggest(str(which), allowed)} Or a trial's number.")
        if not front:
            raise RunError(f"{self.name} has no finished trial to pick from")
        points = self.points(front)
        if which == "knee":
            return front[pareto.knee(points, self.maximize)]
        column = self.config.objectives.index(str(which))
        sign = 1 if self.maximize[column] else -1
        return front[int(np.argmax(sign * points[:, column]))]

    def to_frame(self) -> "pd.DataFrame":
        """One row a trial: state, layout, metrics, seconds, decisions."""
        import pandas as pd

        on_front = {t.number for t in self.front()}
        rows = [
            {"number": t.number, "state": t.state, "on_front": t.number in on_front, "layout": t.layout, "key": t.key}
            | t.metrics
            | {"seconds": sum(t.seconds.values()), "reason": t.reason}
            | t.decisions
            for t in self.trials
        ]
        return pd.DataFrame(rows)

    def study(self, sampler: "optuna.samplers.BaseSampler | None" = None) -> "optuna.Study":
        """The search as an Optuna study in memory, for `optuna.visualization` and for going on.

        Rejected and failed trials, and numbers that were proposed twice, stand in it as failed.
        """
        import optuna

        up, down = optuna.study.StudyDirection.MAXIMIZE, optuna.study.StudyDirection.MINIMIZE
        directions = [up if more else down for more in self.maximize]
        study = optuna.create_study(directions=directions, sampler=sampler, study_name=self.name)
        known = 0  # Optuna would copy its list to count it
        for trial in sorted(self.trials, key=lambda t: t.number):  # workers finish in another order
            for _ in range(known, trial.number):
                study.add_trial(optuna.trial.create_trial(state=optuna.trial.TrialState.FAIL))
            study.add_trial(self._frozen(trial))
            known = max(known, trial.number) + 1
        return study

    def _frozen(self, trial: Trial) -> "optuna.trial.FrozenTrial":
        import optuna

        domains: dict[str, Domain] = {}

        def recall(name: str, values: Domain) -> Any:
            domains[name] = values
            return trial.decisions[name]

        try:
            self.space.decide(recall)
        except (KeyError, SpaceError):
            raise RunError(f"{self.folder}: trial {trial.number} is not a point of space.yaml; {_DAMAGED}") from None
        complete = trial.state == "complete"
        return optuna.trial.create_trial(
            state=optuna.trial.TrialState.COMPLETE if complete else optuna.trial.TrialState.FAIL,
            values=[trial.metrics[n] for n in self.config.objectives] if complete else None,
            params=trial.decisions,
            distributions={n: optuna.distributions.CategoricalDistribution(v) for n, v in domains.items()},
            user_attrs={"key": trial.key, "layout": trial.layout, "state": trial.state},
            system_attrs=trial.sampler,
        )


def _read_config(path: Path) -> SearchConfig:
    settings = document.read(path).value
    if not isinstance(settings, dict):
        raise SettingError(f"{path}: holds no settings; the file is damaged, start the search anew")
    try:
        return make_config({key: tuple(v) if isinstance(v, list) else v for key, v in settings.items()})
    except SettingError as error:
        raise SettingError(f"{path}: {error}") from None


def _write_whole(file: FileIO, data: bytes) -> None:
    while data:
        data = data[file.write(data) :]


def check_new(folder: Path) -> None:
    """Raises SettingError when a new run's folder exists, could not be made or has a name that is none."""
    if folder.name in ("", ".."):
        raise SettingError(f"{folder} names no folder; take another --name")
    if os.path.lexists(folder):
        raise _exists(folder)
    above = next(parent for parent in folder.absolute().parents if os.path.lexists(parent))
    if not above.is_dir():
        raise _unwritable(folder, f"{above} is not a folder")
    if not os.access(above, os.W_OK | os.X_OK):
        raise _unwritable(folder, f"{above} is closed to you")


def _exists(folder: Path) -> SettingError:
    if (folder / "config.yaml").is_file():
        return SettingError(
            f"the run {folder} exists already; take another --name, or continue it with: nas resume {folder}"
        )
    return SettingError(f"{folder} exists already and is not a run; take another --name")


def _unwritable(folder: Path, why: str | None) -> SettingError:
    return SettingError(f"{folder}: cannot be written ({why}); choose another folder with --runs")


def find_run(name: str | Path, runs: Path = Path("runs")) -> Path:
    """The folder that a person means by a run's name or path. Raises SettingError, with the nearest name."""
    for folder in (Path(name), runs / name):
        if os.path.isfile(folder / "config.yaml"):  # noqa: PTH113  (pathlib raises for names that are too long)
            return folder
    known = [p.parent.name for p in sorted(runs.glob("*/config.yaml"))]
    raise SettingError(f"no run '{name}'. {suggest(str(name), known)}")
