"""Optuna's NSGA-II (Deb et al., 2002)."""

import optuna


def nsga2(seed: int) -> optuna.samplers.BaseSampler:
    """The sampler for one proposal: it is made anew from (seed of the search, number of the trial)."""
    return optuna.samplers.NSGAIISampler(seed=seed)
