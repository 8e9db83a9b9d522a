"""Optuna's multi-objective Gaussian process; it models only the decisions that every trial has."""

import optuna

from nas.samplers._base import Task


def gp(seed: int, _: Task) -> optuna.samplers.BaseSampler:
    """The sampler for one proposal: it is made anew from (seed of the search, number of the trial)."""
    return optuna.samplers.GPSampler(seed=seed)
