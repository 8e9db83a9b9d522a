"""A search on disk. Its record is `trials.jsonl`: a line for each finished trial, written before the next begins."""

import json
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nas import document, files, pareto
from nas.config import SearchConfig
from nas.errors import RunError, SettingError, SpaceError
from nas.evaluation.catalogue import objective
from nas.evaluation.plugins import Outside
from nas.files import Json, quoted
from nas.record import journal
from nas.record.config_file import read_config, write_config
from nas.record.environment import begun_at, read_environment, timed_on, write_environment
from nas.record.facts import read_facts, write_facts
from nas.record.folders import CONFIG, SPACE, in_a_line, is_run, making_home, name_of, no_run
from nas.record.learnt import Learnt, read_learnt, write_learnt
from nas.record.optuna_study import Teller
from nas.record.outside import keep_outside, load_outside
from nas.record.picking import Picked, pick, read_pick
from nas.record.results import Result, fallen, highest, results
from nas.record.seal import read_seal, write_seal
from nas.record.table import frame
from nas.record.trial import Further, Trial
from nas.settings import text_of
from nas.space.grammar import to_dict
from nas.space.library import load_space
from nas.space.space import Decisions, SearchSpace

if TYPE_CHECKING:
    import optuna
    import pandas as pd

PREDICTOR, AGAIN = "predictor.json", "front_{}.json"


class Run:
    """A search's folder: settings, space, every finished trial.

    Only `nas.search` and `nas.resume` write to it, and they hold the folder's lock. Reading needs none.
    """

    def __init__(self, folder: Path | str) -> None:
        """Open an existing run, and load what it uses from outside nas.

        Raises SettingError when `folder` holds none, or when a setting was changed that must stay, RunError when a file
        that it began with is gone, or its record is damaged.
        """
        self.folder = Path(text_of(folder, "folder"))
        if not is_run(self.folder):
            raise no_run(self.folder)
        self.seal: Json = read_seal(self.folder)
        self.outside = load_outside(self.folder)  # settings name its kinds
        self.config: SearchConfig = read_config(self.folder, self.seal)
        self._read()

    @classmethod
    def create(
        cls,
        folder: Path,
        config: SearchConfig,
        space: SearchSpace,
        environment: Json,
        learnt: Learnt | None = None,
        outside: Outside | None = None,
        *,
        predictor: Json | None = None,
        **sealed: Any,
    ) -> "Run":
        """Create a run in a new folder, `sealed` in its seal. Raises SettingError if it exists or cannot be written."""
        with making_home(folder):
            files.write(folder / SPACE, document.dump(to_dict(space)))
            write_environment(folder, environment)
            files.write(folder / journal.RECORD, "")
            if outside:
                keep_outside(folder, outside)
            if learnt:
                write_learnt(folder, learnt)
            if predictor:
                files.write(folder / PREDICTOR, json.dumps(predictor, indent=1) + "\n")
            write_seal(folder, {"settings": config.model_dump(mode="json"), "space": to_dict(space), **sealed})
            write_config(folder, config)
        return cls(folder)

    def __repr__(self) -> str:
        return in_a_line(self, lambda: f"{len(self.trials)} trials, front of {len(self.front())}")

    @property
    def name(self) -> str:
        """The folder's name."""
        return name_of(self.folder)

    @cached_property
    def space(self) -> SearchSpace:
        """The search space, fitted to the data."""
        return load_space(self.folder / SPACE)

    @property
    def environment(self) -> Json:
        """Versions, device and commit the search ran with, at its first start and at others."""
        return read_environment(self.folder)

    @property
    def timed_on(self) -> str:
        """The device on which times are measured, empty where the record does not tell."""
        return timed_on(self.environment, self.config.target)

    @property
    def predictor_error(self) -> dict[str, float]:
        """The errors of this run's predictor on networks held out, empty if latencies were measured."""
        return dict(self.facts(PREDICTOR).get("error", {}))

    def front_readings(self, name: str) -> Json:
        """Read what was measured again of an objective on the front, by the keys of the architectures."""
        return {key: {"value": r.get("median")} | r for key, r in self.facts(AGAIN.format(name)).items()}

    def front_values(self, name: str) -> dict[str, float]:
        """Read an objective's values that were measured again on the front, by the keys of the architectures."""
        return {key: reading["value"] for key, reading in self.front_readings(name).items()}

    def keep_front_reading(self, name: str, key: str, value: float, details: Json) -> None:
        """Keep a value that was measured again. Raises RunError when it cannot be written."""
        file = AGAIN.format(name)
        self.write_facts(file, self.facts(file) | {key: details | {"value": value}})

    def facts(self, name: str) -> Json:
        """Read the JSON in a file of the run's folder, empty without the file. Raises RunError for a damaged one."""
        return read_facts(self.folder / name)

    def write_facts(self, name: str, facts: Json) -> None:
        """Write JSON into a file of the run's folder. Raises RunError when it cannot be written."""
        write_facts(self.folder / name, facts)

    @cached_property
    def learnt(self) -> Learnt:
        """The part of earlier runs that this one took over."""
        return read_learnt(self.folder) if self.config.warm_start else Learnt()

    @cached_property
    def maximize(self) -> list[bool]:
        """Whether more is better, for each objective."""
        return [objective(name).goal == "maximize" for name in self.config.objectives]

    @cached_property
    def trained_objectives(self) -> list[str]:
        """The objectives that are known only after training."""
        return [name for name in self.config.objectives if objective(name).trained]

    @property
    def judged(self) -> str:
        """The first trained objective, by which networks are ranked, empty where none is trained."""
        return next(iter(self.trained_objectives), "")

    def append(self, trial: Trial) -> None:
        """Add a finished trial, on disk when this returns. Raises RunError when it cannot be written."""
        journal.append_trial(self.folder, trial)
        self.trials.append(trial)

    def append_further(self, further: Further) -> None:
        """Add a further training of a trial as `append` does."""
        journal.append_further(self.folder, further)
        self.further.append(further)

    def note_begun(self, decisions: Decisions) -> None:
        """Note a trial that was chosen, so that it is not lost if the search is killed."""
        journal.append_begun(self.folder, decisions)

    def interrupted(self) -> list[Decisions]:
        """Return the decisions of trials that were chosen and never finished, in their order."""
        return [decisions for decisions in journal.read_begun(self.folder, self.trials) if self._is_point(decisions)]

    def go_by(self, config: SearchConfig) -> None:
        """Take settings that changed between two starts. Raises SettingError for a budget of less than is done."""
        budget = config.budget
        less = budget.trials < len(self.spent) if budget.trials else (budget.seconds or 0) < self.elapsed
        if less and budget != self.config.budget:
            done = f"{len(self.spent)} networks are trained" if budget.trials else f"it took {self.elapsed:.1f} s"
            raise SettingError(f"budget: found {budget.trials or budget}; {done} already, write more")
        self.config = config
        with journal.recording(self.folder / CONFIG):
            write_config(self.folder, config)

    def repair(self) -> None:
        """Read settings and record anew, without a torn last line and what belongs to trials that were taken out."""
        self.config = read_config(self.folder, self.seal)
        self._read()
        journal.mend_ends(self.folder)
        journal.drop_orphans(self.folder, (trial.number for trial in self.trials))

    def _read(self) -> None:
        self.trials: list[Trial] = journal.read_trials(self.folder, self.config.objectives)
        self.further: list[Further] = journal.read_further(self.folder, self.trials, self.trained_objectives)
        self._results: list[Result] = []
        self._seen = (0, 0)

    def _is_point(self, decisions: Decisions) -> bool:
        try:
            self.space.replay(decisions)
        except SpaceError:
            return False
        return True

    @property
    def spent(self) -> list[Trial]:
        """The trials that count against the budget: all but the rejected."""
        return [t for t in self.trials if t.state != "rejected"]

    @property
    def results(self) -> list[Result]:
        """The complete trials with their values on the last rung, reached or expected."""
        seen = len(self.trials), len(self.further)
        if self._seen != seen:
            costs = [name for name in self.config.objectives if name not in self.trained_objectives]
            self._results = results(self.trials, self.further, self.trained_objectives, costs, len(self.config.lengths))
            self._seen = seen
        return self._results

    @property
    def seconds(self) -> float:
        """Seconds spent on all trials and their further trainings."""
        return sum(training.outcome.took for training in self.trainings)

    @property
    def elapsed(self) -> float:
        """Seconds that the search took so far, fewer than `seconds` if trials ran side by side."""
        return max((training.ended for training in self.trainings), default=0.0) or self.seconds

    @property
    def trainings(self) -> list[Trial | Further]:
        """All trials and their further trainings."""
        return [*self.trials, *self.further]

    def points(self, results: Iterable[Result | Trial]) -> pareto.Points:
        """Return the objectives' values `(results, objectives)`."""
        rows = [[result.metrics[name] for name in self.config.objectives] for result in results]
        return np.array(rows, float).reshape(len(rows), len(self.config.objectives))

    def front(self) -> list[Result]:
        """Return the Pareto-optimal results on the highest rung, sorted by the last objective (the smallest first)."""
        top = highest(self.results)
        found = [result for result in self.results if result.rung == top]
        best = [found[i] for i in pareto.front(self.points(found), self.maximize)]
        return sorted(best, key=lambda result: result.metrics[self.config.objectives[-1]])

    def pick(self, which: str | int | None = None) -> Result:
        """Pick a result: by a rule (`knee`, an objective, `latency<=2`), a trial's number, or the search's own rule.

        Raises SettingError for another text, where there is no such trial, and where nothing on the front keeps a
        limit, with the nearest value; RunError without a finished trial.
        """
        if str(which).isdecimal():
            found = [result for result in self.results if str(result.number) == str(which)]
            if not found:
                raise SettingError(f"{self.name} has no finished trial {which}; see {self.folder / journal.TABLE}")
            return found[0]
        picked = self.picked if which is None else self._pick(str(which))
        if which is not None and picked.unmet:
            raise SettingError(f"{self.name}: {picked.unmet}")
        return picked.result

    @property
    def picked(self) -> Picked:
        """The result that the search's own rule picks, or is nearest to keeping it: that of `best.yaml`."""
        return self._pick(self.config.pick)

    def _pick(self, text: str) -> Picked:
        rule = read_pick(text, self.config)
        if not (front := self.front()):
            raise RunError(f"{self.name} has no finished trial to pick from; nas resume {quoted(self.folder)} goes on")
        return pick(front, rule, self.config)

    def to_frame(self) -> "pd.DataFrame":
        """Return a row a trial: state, layout, metrics, how many trainings they are of, seconds, decisions."""
        found, front = ({result.number: result for result in group} for group in (self.results, self.front()))
        return frame(self.trials, found, front, self.trained_objectives, fallen(self.further))

    def study(self, sampler: "optuna.samplers.BaseSampler | None" = None) -> "optuna.Study":
        """Return the search as an Optuna study in memory, for `optuna.visualization` and for going on.

        Trials learnt from earlier runs come first, and values are those of first trainings. For unfinished trials see
        `nas.record.optuna_study`. Raises RunError when a trial is not a point of the space.
        """
        teller = self.teller  # reads the space, whose faults are no trial's
        try:
            return teller.study(self.name, self.learnt.trials, self.trials, sampler)
        except SpaceError as error:
            raise RunError(f"{self.folder}: {error}; {journal.DAMAGED}") from None

    @cached_property
    def teller(self) -> Teller:
        """Tells this run's trials to Optuna."""
        return Teller(self.space, self.config, begun_at(self.environment))
