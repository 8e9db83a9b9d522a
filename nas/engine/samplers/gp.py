"""Optuna's multi-objective Gaussian process; it models only the decisions that every trial has."""

import optuna

from nas.engine.samplers._base import Problem


def gp(seed: int, _: Problem) -> optuna.samplers.BaseSampler:
    """The sampler for one proposal: it is made anew from (seed of the search, number of the trial)."""
    return optuna.samplers.GPSampler(seed=seed)
