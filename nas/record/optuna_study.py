"""Tell trials to an Optuna study, the same live and from the record, so that a resumed search goes on unchanged.

Values are those of first trainings, which are all of one length. A failed or rejected trial is told as pruned and
infeasible, which TPE and our own sampler avoid, and by how much it breaks each limit, as far as it was measured; a
complete one by how much it keeps them. Optuna is imported when a study is asked for, as reading a run needs none.
"""

import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from nas.config import SearchConfig
from nas.errors import SpaceError
from nas.evaluation.catalogue import objective
from nas.record.trial import Passed, Trial
from nas.space.slot import Domain
from nas.space.space import SearchSpace

if TYPE_CHECKING:
    import optuna
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

INFEASIBLE = {"trial": 1.0}  # above zero is broken, to Optuna
REPEAT = "repeat"  # a user attribute of a failed trial whose network another has: it says nothing of the network


@contextmanager
def quiet_optuna() -> Iterator[None]:
    """Silence Optuna's line for each study and trial."""
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)


@dataclass(frozen=True)
class Teller:
    """Tells trials of a search to studies. `begun` is when it began, in local time, for the times of trials."""

    space: SearchSpace
    config: SearchConfig
    begun: datetime | None = None

    def empty(
        self,
        name: str,
        sampler: "optuna.samplers.BaseSampler | None" = None,
        storage: "optuna.storages.BaseStorage | None" = None,
    ) -> "optuna.Study":
        """Make a study without trials, in memory unless a storage is given, whose pictures name its objectives."""
        import optuna

        goals = [objective(weighed).goal for weighed in self.config.objectives]
        with quiet_optuna():
            study = optuna.create_study(storage=storage, sampler=sampler, study_name=name, directions=goals)
        with warnings.catch_warnings(category=optuna.exceptions.ExperimentalWarning, action="ignore"):
            study.set_metric_names(list(self.config.objectives))
        return study

    def study(
        self,
        name: str,
        learnt: Iterable[Trial],
        trials: Iterable[Trial],
        sampler: "optuna.samplers.BaseSampler | None" = None,
    ) -> "optuna.Study":
        """A study in memory: trials learnt elsewhere first, then this run's under their own numbers.

        Proposals that became no trial are told as failed. Raises SpaceError for a trial that is no point of the space.
        """
        study, count = self.empty(name, sampler), 0  # asking Optuna would copy its list
        for trial in (*learnt, *sorted(trials, key=lambda t: t.number)):  # workers finish in another order
            gap = max(trial.number - count, 0)
            untold: list[Passed | None] = [None] * gap
            for passed in (untold + trial.passed)[len(trial.passed) :]:
                study.add_trial(self._passed(passed))
            study.add_trial(self.frozen(trial))
            count += gap + 1
        return study

    def pass_over(self, study: "optuna.Study", asked: "optuna.Trial", passed: Passed) -> None:
        """Tell a proposal that becomes no trial."""
        import optuna

        if passed.repeats:
            asked.set_user_attr(REPEAT, True)
        study.tell(asked, state=optuna.trial.TrialState.FAIL)

    def _passed(self, passed: Passed | None) -> "FrozenTrial":
        """What `pass_over` told, or no more than that there was a proposal, where the record does not tell it."""
        from optuna.trial import TrialState, create_trial

        if passed is None:
            return create_trial(state=TrialState.FAIL)
        return create_trial(
            state=TrialState.FAIL,
            params=passed.decisions,
            distributions=_distributions(self.space.domains(passed.decisions)),
            user_attrs={REPEAT: True} if passed.repeats else {},
        )

    def tell(self, study: "optuna.Study", asked: "optuna.Trial", trial: Trial) -> None:
        """Tell a finished trial that was asked for."""
        import optuna

        for name, value in self._constraints(trial).items():
            asked.set_constraint(name, value)
        if trial.state == "complete":
            study.tell(asked, self._values(trial))
        else:
            study.tell(asked, state=optuna.trial.TrialState.PRUNED)

    def frozen(self, trial: Trial) -> "FrozenTrial":
        """A finished trial as Optuna keeps it. Raises as `study` does."""
        from optuna.trial import TrialState, create_trial

        complete = trial.state == "complete"
        found = create_trial(
            state=TrialState.COMPLETE if complete else TrialState.PRUNED,
            values=self._values(trial) if complete else None,
            params=trial.decisions,
            distributions=_distributions(self._domains(trial)),
            user_attrs=self._attributes(trial),
            system_attrs=dict(trial.sampler),  # Optuna writes into it
            constraints=self._constraints(trial),
        )
        if self.begun and not trial.learnt_from:
            found.datetime_complete = self.begun + timedelta(seconds=trial.ended)
            found.datetime_start = found.datetime_complete - timedelta(seconds=trial.outcome.took)
        return found

    def _constraints(self, trial: Trial) -> dict[str, float]:
        """How far each limit's value is beyond it, as a share of the limit, below zero where it is kept."""
        found: dict[str, float] = {}
        for sign, limits in ((1.0, self.config.maximum), (-1.0, self.config.minimum)):
            for name, limit in limits.items():
                if name in trial.metrics:
                    beyond = sign * (trial.metrics[name] - limit) / limit
                    found[name] = max(beyond, found.get(name, beyond))
        told = trial.state == "complete" or any(value > 0 for value in found.values())
        return found if told else found | INFEASIBLE

    def _domains(self, trial: Trial) -> dict[str, Domain]:
        network, space = trial.architecture, self.space
        try:
            if (network.channels, network.classes) == (space.channels, space.classes):
                return space.domains(trial.decisions)
        except SpaceError:
            pass
        raise SpaceError(f"trial {trial.number} is not a point of space.yaml")

    def _attributes(self, trial: Trial) -> dict[str, object]:
        attributes: dict[str, object] = {"key": trial.key, "layout": trial.layout, "state": trial.state}
        if trial.learnt_from:
            attributes["learnt_from"] = asdict(trial.learnt_from)
        return attributes

    def _values(self, trial: Trial) -> list[float]:
        return [trial.metrics[name] for name in self.config.objectives]


def _distributions(domains: Mapping[str, Domain]) -> dict[str, "BaseDistribution"]:
    from optuna.distributions import CategoricalDistribution

    return {name: CategoricalDistribution(values) for name, values in domains.items()}
