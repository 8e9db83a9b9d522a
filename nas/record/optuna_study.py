"""How trials are told to an Optuna study, live or from the record: the same in both, so that a resumed search goes on.

A failed or rejected architecture is told as pruned and infeasible, which TPE and our own sampler avoid; one whose
training was stopped as pruned, with the values it was expected to come to in the attribute `expected`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.distributions import CategoricalDistribution
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from nas.errors import SpaceError
from nas.record.journal import Trial
from nas.space.space import SearchSpace

INFEASIBLE = {"trial": 1.0}  # above zero is broken, to Optuna


@dataclass(frozen=True)
class Teller:
    """Knows the space and the objectives, by name with whether more is better; `trained` are known after training."""

    space: SearchSpace
    maximize: Mapping[str, bool]
    trained: tuple[str, ...]

    def study(
        self,
        name: str,
        learnt: Iterable[Trial],
        trials: Iterable[Trial],
        sampler: optuna.samplers.BaseSampler | None = None,
    ) -> optuna.Study:
        """A study in memory: what was learnt elsewhere first, then the trials under their own numbers.

        Numbers that were proposed twice stand in it as failed. Raises SpaceError for a trial that is no point of the
        space.
        """
        directions = [StudyDirection.MAXIMIZE if more else StudyDirection.MINIMIZE for more in self.maximize.values()]
        study = optuna.create_study(directions=directions, sampler=sampler, study_name=name)
        known = 0  # Optuna would copy its list to count it
        for trial in (*learnt, *sorted(trials, key=lambda t: t.number)):  # workers finish in another order
            for _ in range(known, trial.number):
                study.add_trial(create_trial(state=TrialState.FAIL))
            study.add_trial(self.frozen(trial))
            known = max(known, trial.number) + 1
        return study

    def tell(self, study: optuna.Study, asked: optuna.Trial, trial: Trial) -> None:
        """Tell a finished trial that was asked for."""
        if trial.state == "complete":
            study.tell(asked, self._values(trial))
            return
        if trial.state == "pruned":
            asked.set_user_attr("expected", self._expected(trial))
        else:
            for name, value in INFEASIBLE.items():
                asked.set_constraint(name, value)
        study.tell(asked, state=TrialState.PRUNED)

    def frozen(self, trial: Trial) -> FrozenTrial:
        """A finished trial as Optuna keeps it. Raises as `study` does."""
        try:
            domains = self.space.domains(trial.decisions)
        except SpaceError:
            raise SpaceError(f"trial {trial.number} is not a point of space.yaml") from None
        complete = trial.state == "complete"
        known: dict[str, Any] = {"key": trial.key, "layout": trial.layout, "state": trial.state}
        known |= {"expected": self._expected(trial)} if trial.state == "pruned" else {}
        known |= {name: trial.details[name] for name in ("learnt_from",) if name in trial.details}
        return create_trial(
            state=TrialState.COMPLETE if complete else TrialState.PRUNED,
            values=self._values(trial) if complete else None,
            params=trial.decisions,
            distributions={name: CategoricalDistribution(values) for name, values in domains.items()},
            user_attrs=known,
            system_attrs=trial.sampler,
            constraints=INFEASIBLE if trial.state in ("failed", "rejected") else None,
        )

    def _values(self, trial: Trial) -> list[float]:
        return [trial.metrics[name] for name in self.maximize]

    def _expected(self, trial: Trial) -> list[float]:
        known = trial.metrics | dict.fromkeys(self.trained, trial.details["expected"])
        return [known[name] for name in self.maximize]
