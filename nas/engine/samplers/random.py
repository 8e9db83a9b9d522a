"""Uniform choice of every decision."""

import optuna

from nas.engine.samplers._base import Problem


def random(seed: int, _: Problem) -> optuna.samplers.BaseSampler:
    """The sampler for one proposal: it is made anew from (seed of the search, number of the trial)."""
    return optuna.samplers.RandomSampler(seed=seed)
