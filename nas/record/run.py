"""Run: a search on disk.

The truth is `trials.jsonl`: one line a finished trial, on disk before the next trial begins.
"""

import json
import shutil
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nas import document, pareto
from nas.config import Budget, SearchConfig, make_config
from nas.errors import RunError, SettingError, SpaceError
from nas.record.confirmed import confirmed
from nas.record.folders import check_new, exists, unwritable
from nas.record.journal import (
    DAMAGED,
    LEARNT,
    WARM_START,
    Confirmation,
    Learnt,
    Trial,
    append_begun,
    append_confirmation,
    append_trial,
    cut_torn_lines,
    read_begun,
    read_confirmations,
    read_trials,
    writing,
)
from nas.registry import OBJECTIVES, suggest
from nas.space.library import load_space
from nas.space.space import Decisions, SearchSpace

if TYPE_CHECKING:
    import optuna
    import pandas as pd

    from nas.record.optuna_study import Teller

FRONT_LATENCY, PREDICTOR = "front_latency.json", "predictor.json"


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
        self._read()

    @classmethod
    def create(
        cls,
        folder: Path,
        config: SearchConfig,
        space: SearchSpace,
        environment: dict[str, Any],
        learnt: Learnt | None = None,
    ) -> "Run":
        """A new run in a new folder. Raises SettingError when it exists or cannot be written."""
        from nas.space.grammar import to_dict

        check_new(folder)
        try:
            folder.mkdir(parents=True)
            document.write(folder / "space.yaml", document.dump(to_dict(space)))
            document.write(folder / "environment.json", json.dumps(environment, indent=2) + "\n")
            if learnt:
                document.write(folder / WARM_START, LEARNT.dump_json(learnt, indent=1).decode() + "\n")
            document.write(folder / "config.yaml", document.dump(config.model_dump(mode="json")))
        except FileExistsError:
            raise exists(folder) from None
        except OSError as error:
            shutil.rmtree(folder, ignore_errors=True)
            raise unwritable(folder, error.strerror) from None
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
    def front_latency(self) -> dict[str, dict[str, Any]]:
        """Measurements of the front's networks, made when the search ended, by the keys of their architectures."""
        return self._facts(FRONT_LATENCY)

    @property
    def predictor_error(self) -> dict[str, float]:
        """What the predictor of this run's latencies says of its own error; empty where they were measured."""
        error: dict[str, float] = self._facts(PREDICTOR).get("error", {})
        return error

    def _facts(self, name: str) -> dict[str, Any]:
        """What a file of the run's folder holds; empty without the file."""
        path = self.folder / name
        try:
            return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}
        except (OSError, ValueError, TypeError):
            raise RunError(f"{path}: damaged; restore it, or delete it") from None

    @cached_property
    def learnt(self) -> Learnt:
        """What it took over from earlier runs, kept in its own folder; they may be gone."""
        if not self.config.warm_start:
            return Learnt()
        path = self.folder / WARM_START
        try:
            return LEARNT.validate_json(path.read_bytes(), strict=True)
        except (OSError, ValueError):
            raise RunError(f"{path}: missing or damaged; restore it, or start the search anew") from None

    @property
    def maximize(self) -> list[bool]:
        """Per objective, whether more is better."""
        return [OBJECTIVES.get(name).goal == "maximize" for name in self.config.objectives]

    def append(self, trial: Trial) -> None:
        """Add a finished trial; it is on disk when this returns. Raises RunError when it cannot be written."""
        append_trial(self.folder, trial)
        self.trials.append(trial)

    def append_confirmation(self, confirmation: Confirmation) -> None:
        """Add a further training of a trial; as `append`."""
        append_confirmation(self.folder, confirmation)
        self.confirmations.append(confirmation)

    def note_begun(self, decisions: Decisions) -> None:
        """Note a trial that starts, so that it is repeated if the search is killed."""
        append_begun(self.folder, decisions)

    def interrupted(self) -> list[Decisions]:
        """The trials that were begun and never finished, in their order."""
        return [decisions for decisions in read_begun(self.folder, self.trials) if self._is_point(decisions)]

    def extend(self, budget: Budget) -> None:
        """Give the search another budget (in all, not on top). Raises SettingError for one that is spent already."""
        done = len(self.trained)
        if budget.trials is not None and budget.trials < done:
            raise SettingError(f"budget: found {budget.trials}; {done} networks are trained already, write more")
        self.config = self.config.model_copy(update={"budget": budget})
        path = self.folder / "config.yaml"
        with writing(path):
            document.write(path, document.dump(self.config.model_dump(mode="json")))

    def repair(self) -> None:
        """Read the record anew, and cut off a torn last line, left by a process that was killed as it wrote."""
        cut_torn_lines(self.folder)
        self._read()

    def _read(self) -> None:
        self.trials: list[Trial] = list(read_trials(self.folder, self.config.objectives))
        self.confirmations: list[Confirmation] = list(read_confirmations(self.folder))

    def _is_point(self, decisions: Decisions) -> bool:
        try:
            self.space.replay(decisions)
        except SpaceError:
            return False
        return True

    @property
    def trained(self) -> list[Trial]:
        """The trials that count against the budget."""
        return [t for t in self.trials if t.state != "rejected"]

    @property
    def complete(self) -> list[Trial]:
        """The trials that have a value for every objective; a confirmed one with the mean of its further trainings."""
        own = [t for t in self.trials if t.state == "complete"]
        return confirmed(own, self.confirmations, self.trained_objectives) if self.confirmations else own

    @property
    def trained_objectives(self) -> list[str]:
        """The objectives that are known only after training."""
        return [name for name in self.config.objectives if OBJECTIVES.get(name).trained]

    @property
    def seconds(self) -> float:
        """Time spent on all trials and their confirmation."""
        trainings: list[Trial | Confirmation] = [*self.trials, *self.confirmations]
        return sum(sum(t.seconds.values()) for t in trainings)

    @property
    def elapsed(self) -> float:
        """Seconds that the search took so far; less than `seconds` where trials ran side by side."""
        return (
            max([*(t.ended for t in self.trials), *(c.ended for c in self.confirmations)], default=0.0) or self.seconds
        )

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
        """One row a trial: state, layout, metrics, how often it was trained again, seconds, decisions."""
        import pandas as pd

        on_front, means = {t.number for t in self.front()}, {t.number: t for t in self.complete}
        rows = [
            {"number": t.number, "state": t.state, "on_front": t.number in on_front, "layout": t.layout, "key": t.key}
            | t.metrics
            | _repeats(t)
            | {f"score_{name}": value for name, value in t.details.get("scores", {}).items()}
            | {"seconds": sum(t.seconds.values()), "reason": t.reason}
            | t.decisions
            for t in (means.get(t.number, t) for t in self.trials)
        ]
        return pd.DataFrame(rows)

    def study(self, sampler: "optuna.samplers.BaseSampler | None" = None) -> "optuna.Study":
        """The search as an Optuna study in memory, for `optuna.visualization` and for going on.

        Trials learnt from earlier runs stand first; values are those of the first trainings.
        `nas.record.optuna_study` says how unfinished trials stand in it. Raises RunError when a trial is not a point
        of the space.
        """
        try:
            return self.teller.study(self.name, self.learnt.trials, self.trials, sampler)
        except SpaceError as error:
            raise RunError(f"{self.folder}: {error}; {DAMAGED}") from None

    @cached_property
    def teller(self) -> "Teller":
        """How this run's trials are told to Optuna."""
        from nas.record.optuna_study import Teller

        maximize = dict(zip(self.config.objectives, self.maximize, strict=True))
        return Teller(self.space, maximize, tuple(self.trained_objectives))


def _repeats(trial: Trial) -> dict[str, float]:
    """A confirmed trial's columns of their own."""
    known = trial.details.get("confirmed")
    if not known:
        return {}
    first = {f"{name}_first": value for name, value in known["first"].items()}
    return {"trainings": known["trainings"]} | {f"{n}_interval": v for n, v in known["interval"].items()} | first


def _read_config(path: Path) -> SearchConfig:
    settings = document.read(path).value
    if not isinstance(settings, dict):
        raise SettingError(f"{path}: holds no settings; the file is damaged, start the search anew")
    try:
        return make_config({key: tuple(v) if isinstance(v, list) else v for key, v in settings.items()})
    except SettingError as error:
        raise SettingError(f"{path}: {error}") from None
