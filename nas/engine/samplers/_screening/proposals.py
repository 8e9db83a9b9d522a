"""What is known of a study's trials, also of those whose parameters are still being set.

A proposal is noted with its trial in the study's storage, where other threads and processes read it: parameters are set
one by one, some only after seconds. `pareto:` begins the attribute's name.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState

Parameters = dict[str, Any]
"""A trial's parameters by name; Optuna allows any value."""
Space = Mapping[str, BaseDistribution]

NOTED, QUEUED = "pareto:proposal", "fixed_params"  # of a trial's attributes, the second Optuna's
WHOLE = (TrialState.COMPLETE, TrialState.PRUNED)


def others(study: optuna.Study, trial: FrozenTrial, since: int = 0) -> list[FrozenTrial]:
    """All other trials from a number on that have parameters, or will have known ones, whatever became of them."""
    trials = study.get_trials(deepcopy=False)[since:]
    return [t for t in trials if t.number != trial.number and (t.params or _expected(t))]


def _expected(trial: FrozenTrial) -> bool:
    return not trial.state.is_finished() and bool({NOTED, QUEUED} & trial.system_attrs.keys())


def parameters(trial: FrozenTrial, space: Space) -> Parameters:
    """A trial's parameters: those it has, and those it was to have where it did not end as it should."""
    if trial.state in WHOLE:
        return trial.params
    noted: Mapping[str, float] = trial.system_attrs.get(NOTED, {})
    proposed = {name: space[name].to_external_repr(value) for name, value in noted.items() if name in space}
    return {**proposed, **trial.system_attrs.get(QUEUED, {}), **trial.params}


def note(study: optuna.Study, trial: FrozenTrial, params: Mapping[str, Any], space: Space) -> None:
    """Note what is proposed for a trial, beside what it has been. Optuna's own samplers write to the storage alike."""
    noted = trial.system_attrs.get(NOTED, {}) | _places(params, space)
    study._storage.set_trial_system_attr(trial._trial_id, NOTED, noted)


def rivals(study: optuna.Study, trial: FrozenTrial, name: str, distribution: BaseDistribution) -> set[float]:
    """The places of a parameter in other trials that agree with this one in all that is known of it."""
    trials = [t for t in others(study, trial) if name in t.params or _expected(t)]
    space = {n: d for t in (*trials, trial) for n, d in t.distributions.items()} | {name: distribution}
    mine = _places({n: value for n, value in parameters(trial, space).items() if n != name}, space)
    theirs = [_places(parameters(t, space), space) for t in trials]
    return {places[name] for places in theirs if name in places and mine.items() <= places.items()}


def _places(params: Mapping[str, Any], space: Space) -> dict[str, float]:
    """Parameters as Optuna stores them: numbers, and choices by their place. One outside of its choices is left out."""
    places = {}
    for name, value in params.items():
        with suppress(ValueError, TypeError):
            places[name] = float(space[name].to_internal_repr(value))
    return places
