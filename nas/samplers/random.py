"""Uniform choice of every decision."""

import optuna

from nas.samplers._base import Task


def random(seed: int, _: Task) -> optuna.samplers.BaseSampler:
    """The sampler for one proposal: it is made anew from (seed of the search, number of the trial)."""
    return optuna.samplers.RandomSampler(seed=seed)
