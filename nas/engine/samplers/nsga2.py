"""Optuna's NSGA-II (Deb et al., 2002)."""

import optuna

from nas.engine.samplers._base import Problem


class ResumableNSGAII(optuna.samplers.NSGAIISampler):
    """Parents stand in the order of their numbers.

    Optuna hands the first trial of a generation its parents in the order of selection and the others, from a cache,
    in that of their numbers; a search resumed in mid-generation has no cache and would go another way.
    """

    def select_parent(self, study: optuna.Study, generation: int) -> list[optuna.trial.FrozenTrial]:
        """The best of the generation before and its parents."""
        return sorted(super().select_parent(study, generation), key=lambda trial: trial.number)


def nsga2(seed: int, _: Problem) -> optuna.samplers.BaseSampler:
    """The sampler for one proposal: it is made anew from (seed of the search, number of the trial)."""
    return ResumableNSGAII(seed=seed)
