"""The default sampler weighs thousands of candidates by how much each should add to the front."""

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
from nas.engine.samplers._screening.candidates import search, spread, starts
from nas.engine.samplers._screening.evidence import Costs, Past
from nas.engine.samplers._screening.screen import Screen
from nas.engine.samplers._screening.tree import Codes, Tree, explore, learn
from nas.registry import suggest
from nas.space.space import Domain

Parameters = dict[str, Any]
"""A trial's parameters by name; Optuna allows any value."""

GRID = 101  # values tried of a number that has more


@dataclass
class _Memory:
    """Results kept from one proposal to the next, only to save time."""

    problem: Problem
    tree: Tree | None = None
    kernels: dict[tuple[str, int], Kernel] = field(default_factory=dict)
    costs: dict[bytes, Mapping[str, float]] = field(default_factory=dict)


_MEMORIES: WeakKeyDictionary[optuna.Study, _Memory] = WeakKeyDictionary()
"""By study: a search makes its sampler anew for each proposal, and one problem may serve several studies."""


class ParetoSampler(optuna.samplers.BaseSampler):
    """Screens candidates by expected hypervolume improvement and never proposes a point twice.

    Serves any study, of one objective or several. The parameters, and under which values of others each arises, are
    learnt from the trials unless `problem` gives them; numbers with very many values are searched on a grid. A proposal
    depends only on the study's past and `seed`.
    """

    def __init__(self, seed: int | None = None, problem: Problem | None = None) -> None:
        self.problem = problem or Problem()
        self._rng = np.random.default_rng(seed)
        self._independent = optuna.samplers.RandomSampler(seed)

    def reseed_rng(self) -> None:
        """Draw a new seed, for studies optimised in several threads or processes."""
        self._rng = np.random.default_rng()
        self._independent.reseed_rng()

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Every parameter that may arise, or none for a queued trial, whose parameters are given."""
        if "fixed_params" in trial.system_attrs:
            return {}
        if self.problem.decide:
            tree = self._tree(study, [])
            return {name: CategoricalDistribution(values) for name, values in tree.domains.items()}
        return {name: d for t in _decided(study) for name, d in t.distributions.items()}

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> Parameters:
        """The parameters of the next point, empty when every point has been proposed."""
        if not search_space:
            return {}
        trials = _decided(study)
        tree = self._tree(study, trials)
        point = self._propose(study, trials, tree)
        return {} if point is None else tree.decode(point)

    def sample_independent(
        self, study: optuna.Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Draw at random a parameter that was not expected to arise."""
        return self._independent.sample_independent(study, trial, param_name, param_distribution)

    def _memory(self, study: optuna.Study) -> _Memory:
        memory = _MEMORIES.get(study)
        if memory is None or memory.problem is not self.problem:
            memory = _MEMORIES[study] = _Memory(self.problem)
        return memory

    def _tree(self, study: optuna.Study, trials: Sequence[FrozenTrial]) -> Tree:
        """The problem's tree, walked once a study, or the one that explains the trials."""
        memory = self._memory(study)
        if self.problem.decide:
            memory.tree = memory.tree or explore(self.problem.decide, np.random.default_rng(0))
            return memory.tree
        domains = {name: domain(d) for t in trials for name, d in t.distributions.items()}
        return learn(domains, [_walk(t, domains) for t in trials])

    def _propose(self, study: optuna.Study, trials: Sequence[FrozenTrial], tree: Tree) -> Codes | None:
        codes = tree.encode([_walk(t, tree.domains) for t in trials])
        first = np.sort(np.unique(codes, axis=0, return_index=True)[1])  # a repeated point was not trained again
        codes, trials = codes[first], [trials[i] for i in first]
        taken = {code.tobytes() for code in codes}
        costs = self._costs(study, tree, codes)
        past = _past(study, trials, codes)
        if len(trials) < starts(tree) or len(past.done) < 2:
            return spread(tree, codes, costs, self._rng)
        screen = Screen(tree, past, costs, self._memory(study).kernels)
        return search(tree, screen.parents, screen, self._rng, taken)

    def _costs(self, study: optuna.Study, tree: Tree, codes: Codes) -> Costs:
        problem = self.problem
        probe = codes[0] if len(codes) else tree.draw(1, np.random.default_rng(0))[0]
        names = problem.cheap(tree.decode(probe))
        signs = _signs(study)
        _check(problem, names, len(signs))
        columns = {i: (name, signs[i]) for i, name in enumerate(problem.objectives) if name in names}
        return Costs(problem.cheap, columns, problem.maximum, problem.minimum, self._memory(study).costs)


def pareto(seed: int, problem: Problem) -> optuna.samplers.BaseSampler:
    """The sampler for one proposal, made anew from the search's seed and the trial's number."""
    return ParetoSampler(seed, problem)


def values_of(trial: FrozenTrial) -> list[float] | None:
    """The values that a trial gives to models, in the study's order, or None where it gives none.

    A stopped training gives its expected values, in the attribute `expected`.
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


def _decided(study: optuna.Study) -> list[FrozenTrial]:
    """The trials that have parameters, whatever became of them."""
    return [t for t in study.get_trials(deepcopy=False) if t.params]


def _check(problem: Problem, costs: Mapping[str, float], objectives: int) -> None:
    """Raise ValueError for a problem that does not fit the study, or a limit on no cost."""
    if problem.objectives and len(problem.objectives) != objectives:
        found = ", ".join(problem.objectives)
        raise ValueError(f"Problem.objectives: found {found}; the study has {objectives} directions")
    for name in (*problem.maximum, *problem.minimum):
        if name not in costs and name not in problem.objectives:
            names = sorted({*costs, *problem.objectives})
            raise ValueError(f"Problem: a limit on '{name}', which cheap does not tell. {suggest(name, names)}")


def _signs(study: optuna.Study) -> list[float]:
    return [-1.0 if d == StudyDirection.MAXIMIZE else 1.0 for d in study.directions]


def _past(study: optuna.Study, trials: Sequence[FrozenTrial], codes: Codes) -> Past:
    values = [values_of(t) for t in trials]
    done = np.array([v is not None for v in values], np.bool_)
    losses = np.array([v for v in values if v is not None], np.float64).reshape(-1, len(study.directions))
    ended = (TrialState.FAIL, TrialState.COMPLETE)
    failed = np.array([t.state in ended or _infeasible(t) for t in trials], np.bool_) & ~done
    running = np.array([t.state == TrialState.RUNNING for t in trials], np.bool_)
    return Past(codes[done], losses * _signs(study), codes[failed], codes[running])
