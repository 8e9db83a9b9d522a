"""Optuna's own samplers, made anew for each proposal from the search's seed and the trial's number."""

import warnings

import optuna
from optuna.samplers import BaseSampler, GPSampler, NSGAIISampler, RandomSampler, TPESampler

from nas.engine.samplers import Problem

__all__ = ["gp", "nsga2", "random", "tpe"]


def tpe(seed: int, _: Problem) -> BaseSampler:
    """Multi-objective TPE (arXiv:2304.11127), multivariate and grouped: conditional options are learnt too.

    A running trial counts as a poor one, so that parallel proposals differ.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return TPESampler(seed=seed, multivariate=True, group=True, constant_liar=True)


class _ResumableNSGAII(NSGAIISampler):
    """NSGA-II with parents in the order of their numbers.

    Optuna gives the first trial of a generation its parents in order of selection, and the others, from a cache, in
    order of number; a search resumed in mid-generation has no cache and would go another way.
    """

    def select_parent(self, study: optuna.Study, generation: int) -> list[optuna.trial.FrozenTrial]:
        """The best of the previous generation and its parents, by number."""
        return sorted(super().select_parent(study, generation), key=lambda trial: trial.number)


def nsga2(seed: int, _: Problem) -> BaseSampler:
    """NSGA-II (Deb et al., 2002)."""
    return _ResumableNSGAII(seed=seed)


def gp(seed: int, _: Problem) -> BaseSampler:
    """The multi-objective Gaussian process, which models only the decisions that every trial has."""
    return GPSampler(seed=seed, warn_independent_sampling=False)


def random(seed: int, _: Problem) -> BaseSampler:
    """Uniform choice of every decision."""
    return RandomSampler(seed=seed)
