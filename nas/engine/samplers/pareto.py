"""The default sampler: candidates by the thousand, weighed by what they should add to the front."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState
from sklearn.gaussian_process.kernels import Kernel

from nas.engine.samplers import Problem
from nas.engine.samplers._screening.candidates import search
from nas.engine.samplers._screening.screen import Known, Past, Screen
from nas.engine.samplers._screening.start import spread, start
from nas.engine.samplers._screening.tree import Codes, Tree, explore, learn
from nas.registry import suggest
from nas.space.space import Domain

Parameters = dict[str, Any]
"""A trial's parameters by name; Optuna allows any value."""

GRID = 101  # values tried of a number that may have more


@dataclass
class _Memory:
    """What need not be found anew for each proposal; without it the same would be found."""

    task: Problem
    tree: Tree | None = None
    kernels: dict[tuple[str, int], Kernel] = field(default_factory=dict)
    cheap: dict[bytes, Mapping[str, float]] = field(default_factory=dict)


_MEMORIES: WeakKeyDictionary[optuna.Study, _Memory] = WeakKeyDictionary()


class ParetoSampler(optuna.samplers.BaseSampler):
    """Screens candidates by expected hypervolume improvement under a Gaussian process; never proposes a point twice.

    Serves any study, of one objective or several. Which parameters there are, and under which values of others each
    arises, is learnt from the trials unless `task` tells; numbers with very many values are searched on a grid. The
    trials of a study's future depend on its past and `seed` only.
    """

    def __init__(self, seed: int | None = None, task: Problem | None = None) -> None:
        self.task = task or Problem()
        self._rng = np.random.default_rng(seed)
        self._independent = optuna.samplers.RandomSampler(seed)

    def reseed_rng(self) -> None:
        """For studies that are optimised in several threads or processes."""
        self._rng = np.random.default_rng()
        self._independent.reseed_rng()

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Every parameter that may arise. A queued trial's are given already."""
        if "fixed_params" in trial.system_attrs:
            return {}
        if self.task.decide:
            tree = self._tree(study, [])
            return {name: CategoricalDistribution(values) for name, values in tree.domains.items()}
        return {name: d for t in _told(study) for name, d in t.distributions.items()}

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> Parameters:
        """The parameters of the next point; empty when every point was proposed."""
        if not search_space:
            return {}
        told = _told(study)
        tree = self._tree(study, told)
        point = self._propose(study, told, tree)
        return {} if point is None else tree.decode(point)

    def sample_independent(
        self, study: optuna.Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """At random: for what was not known to arise."""
        return self._independent.sample_independent(study, trial, param_name, param_distribution)

    def _memory(self, study: optuna.Study) -> _Memory:
        memory = _MEMORIES.get(study)
        if memory is None or memory.task is not self.task:
            memory = _MEMORIES[study] = _Memory(self.task)
        return memory

    def _tree(self, study: optuna.Study, told: Sequence[FrozenTrial]) -> Tree:
        """The task's, walked once a study, or that which explains the trials."""
        memory = self._memory(study)
        if self.task.decide:
            memory.tree = memory.tree or explore(self.task.decide, np.random.default_rng(0))
            return memory.tree
        domains = {name: domain(d) for t in told for name, d in t.distributions.items()}
        return learn(domains, [_walk(t, domains) for t in told])

    def _propose(self, study: optuna.Study, told: Sequence[FrozenTrial], tree: Tree) -> Codes | None:
        codes = tree.encode([_walk(t, tree.domains) for t in told])
        first = np.sort(np.unique(codes, axis=0, return_index=True)[1])  # a repeated point was not trained again
        codes, told = codes[first], [told[i] for i in first]
        taken = {code.tobytes() for code in codes}
        known = self._known(study, tree, codes)
        past = _past(study, told, codes)
        if len(told) < start(tree) or len(past.done) < 2:
            return spread(tree, codes, known, self._rng)
        screen = Screen(tree, past, known, self._memory(study).kernels)
        return search(tree, screen.parents, screen, self._rng, taken)

    def _known(self, study: optuna.Study, tree: Tree, codes: Codes) -> Known:
        task = self.task
        probe = codes[0] if len(codes) else tree.draw(1, np.random.default_rng(0))[0]
        names = task.cheap(tree.decode(probe))
        signs = _signs(study)
        _check(task, names, len(signs))
        columns = {i: (name, signs[i]) for i, name in enumerate(task.objectives) if name in names}
        return Known(task.cheap, columns, task.maximum, task.minimum, self._memory(study).cheap)


def pareto(seed: int, task: Problem) -> optuna.samplers.BaseSampler:
    """The sampler for one proposal: it is made anew from (seed of the search, number of the trial)."""
    return ParetoSampler(seed, task)


def values_of(trial: FrozenTrial) -> list[float] | None:
    """What a trial teaches of the objectives, in the study's order; None for one that teaches nothing of them.

    A training that was stopped teaches what it was expected to come to, in the attribute `expected`.
    """
    values = trial.values if trial.state == TrialState.COMPLETE else trial.user_attrs.get("expected")
    if values is None or _infeasible(trial) or not np.isfinite(values).all():
        return None
    return list(values)


def _infeasible(trial: FrozenTrial) -> bool:
    return any(violation > 0 for violation in trial.constraints.values())


def domain(distribution: BaseDistribution) -> Domain:
    """The values that are tried of a parameter, in order."""
    if isinstance(distribution, CategoricalDistribution):
        return tuple(distribution.choices)  # type: ignore[arg-type]
    assert isinstance(distribution, IntDistribution | FloatDistribution)
    low, high, step = distribution.low, distribution.high, distribution.step
    if step and not distribution.log and (high - low) / step < GRID:
        steps = np.arange(round((high - low) / step) + 1)
        grid = low + steps * step
    else:
        grid = (np.geomspace if distribution.log else np.linspace)(low, high, GRID)
    if isinstance(distribution, IntDistribution):
        return tuple(int(v) for v in np.unique(low + np.round((grid - low) / distribution.step) * distribution.step))
    if step:
        grid = low + np.round((grid - low) / step) * step
    return tuple(float(v) for v in np.unique(np.clip(grid, low, high)))


def _walk(trial: FrozenTrial, domains: Mapping[str, Domain]) -> Parameters:
    """A trial's parameters, numbers at the nearest value of their grid."""
    numbers = {n for n, d in trial.distributions.items() if not isinstance(d, CategoricalDistribution)} & domains.keys()
    near = {n: min(domains[n], key=lambda v, n=n: abs(v - trial.params[n])) for n in numbers}  # type: ignore[misc]
    return trial.params | near


def _told(study: optuna.Study) -> list[FrozenTrial]:
    """The trials whose parameters are known, whatever became of them."""
    return [t for t in study.get_trials(deepcopy=False) if t.params]


def _check(task: Problem, cheap: Mapping[str, float], objectives: int) -> None:
    """Raises ValueError for a task that is not the study's, or that limits what nothing tells."""
    if task.objectives and len(task.objectives) != objectives:
        found = ", ".join(task.objectives)
        raise ValueError(f"Problem.objectives: found {found}; the study has {objectives} directions")
    for name in (*task.maximum, *task.minimum):
        if name not in cheap and name not in task.objectives:
            known = sorted({*cheap, *task.objectives})
            raise ValueError(f"Problem: a limit on '{name}', which cheap does not tell. {suggest(name, known)}")


def _signs(study: optuna.Study) -> list[float]:
    return [-1.0 if d == StudyDirection.MAXIMIZE else 1.0 for d in study.directions]


def _past(study: optuna.Study, told: Sequence[FrozenTrial], codes: Codes) -> Past:
    values = [values_of(t) for t in told]
    done = np.array([v is not None for v in values], np.bool_)
    losses = np.array([v for v in values if v is not None], np.float64).reshape(-1, len(study.directions))
    ended = (TrialState.FAIL, TrialState.COMPLETE)
    failed = np.array([t.state in ended or _infeasible(t) for t in told], np.bool_) & ~done
    running = np.array([t.state == TrialState.RUNNING for t in told], np.bool_)
    return Past(codes[done], losses * _signs(study), codes[failed], codes[running])
