"""Optuna's multi-objective TPE (arXiv:2304.11127), multivariate and grouped: conditional options are learnt too."""

import warnings

import optuna

from nas.engine.samplers._base import Problem


def tpe(seed: int, _: Problem) -> optuna.samplers.BaseSampler:
    """The sampler for one proposal: it is made anew from (seed of the search, number of the trial).

    A trial that still runs counts as a poor one, so that proposals made side by side differ.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.samplers.TPESampler(seed=seed, multivariate=True, group=True, constant_liar=True)
