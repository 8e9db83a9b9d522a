"""What every sampler keeps: made anew for each proposal, it goes on in a rebuilt study as in the one that lived."""

import optuna
import pytest
from optuna.trial import FrozenTrial, create_trial

from nas.engine.proposer import derive_seed
from nas.engine.samplers import Problem
from nas.registry import SAMPLERS

optuna.logging.set_verbosity(optuna.logging.WARNING)
TASK = Problem()
COUNTS = {"pareto": range(9, 16), "nsga2": range(98, 116), "tpe": range(8, 20), "random": range(3), "gp": range(10, 13)}


def study() -> optuna.Study:
    return optuna.create_study(directions=["maximize", "minimize"])


def step(study: optuna.Study, sampler: str) -> None:
    """One proposal and its values; which options there are depends on the block."""
    study.sampler = SAMPLERS.get(sampler)(derive_seed(0, len(study.trials)), TASK)
    trial = study.ask()
    block = trial.suggest_categorical("block", ("conv", "moat"))
    width = trial.suggest_categorical("width", (8, 16, 24, 32))
    expansion = trial.suggest_categorical("moat.expansion", (1, 2, 4)) if block == "moat" else 1
    depth = trial.suggest_categorical("depth", (1, 2, 3, 4, 5))
    study.tell(trial, [width * depth**0.5 + 20 * (block == "moat") * expansion**0.5, width * width * depth * expansion])


def rebuilt(old: optuna.Study) -> optuna.Study:
    """The study as a record on disk gives it back."""

    def again(t: FrozenTrial) -> FrozenTrial:
        return create_trial(
            values=t.values, params=t.params, distributions=t.distributions, system_attrs=t.system_attrs
        )

    new = study()
    new.add_trials([again(trial) for trial in old.trials])
    return new


@pytest.mark.parametrize("sampler", SAMPLERS.names())
def test_a_rebuilt_study_is_asked_the_same(sampler: str) -> None:
    lived = study()
    for number in range(COUNTS[sampler].stop):
        resumed = rebuilt(lived) if number in COUNTS[sampler] else None
        step(lived, sampler)
        if resumed:
            step(resumed, sampler)
            assert resumed.trials[-1].params == lived.trials[-1].params, number
