"""The default sampler weighs thousands of candidates by how much each should add to the front."""

import threading
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from itertools import count
from numbers import Integral
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.trial import FrozenTrial
from threadpoolctl import ThreadpoolController

from nas.engine.samplers import Problem
from nas.engine.samplers._screening.candidates import search, spread, starts
from nas.engine.samplers._screening.evidence import SHARE, Costs
from nas.engine.samplers._screening.feasibility import Feasibility
from nas.engine.samplers._screening.process import Kernels
from nas.engine.samplers._screening.proposals import QUEUED, Parameters, Space, note, others, rivals
from nas.engine.samplers._screening.screen import Screen
from nas.engine.samplers._screening.situation import Situation, Told, signs
from nas.engine.samplers._screening.tree import Codes, Tree, explore
from nas.errors import SettingError, brief
from nas.registry import suggest

AGAIN = 20  # draws for one trial at most, where another has the same
_BLAS = ThreadpoolController()
"""Made once, as it looks through all libraries. A proposal's matrices are small: a second thread only makes it wait."""
_TURN = threading.RLock()
"""Held while a point is chosen and noted: threads of a process choose one after the other, each knowing the last."""


@dataclass
class _Batch:
    """What one screening proposes: points still to be given to trials, of which parameters of `space` are `asked`.

    `settled` are the numbers of the trials that had ended, and `since` is the first that had not.
    """

    now: Situation
    points: list[Codes]
    space: Space
    asked: Space
    settled: Set[int]
    since: int

    def serves(self, asked: Space, begun: Sequence[FrozenTrial]) -> bool:
        """Whether its points are for a trial that is asked for everything, as all of its were, and enough still run."""
        running = sum(not trial.state.is_finished() for trial in begun)
        few = len(self.points) <= SHARE * running
        return few and not self.now.tree.held and self.asked.keys() == asked.keys()


@dataclass
class _Memory:
    """What is kept from one proposal to the next, to save time."""

    problem: Problem
    tree: Tree | None = None
    space: dict[str, BaseDistribution] = field(default_factory=dict)
    kernels: Kernels = field(default_factory=dict)
    costs: dict[bytes, Mapping[str, float]] = field(default_factory=dict)
    ended: dict[int, Told] = field(default_factory=dict)
    batch: _Batch | None = None
    ours: set[int] = field(default_factory=set)
    """The trials that were given points here, of which none has that of another."""


_MEMORIES: WeakKeyDictionary[optuna.Study, _Memory] = WeakKeyDictionary()
"""By study: a search makes its sampler anew for each proposal, and one problem may serve several studies."""


class ParetoSampler(optuna.samplers.BaseSampler):
    """Screens candidates by expected hypervolume improvement and never proposes a point twice.

    Serves any study, of one objective or several. The parameters, and under which values of others each arises, are
    learnt from the trials unless `problem` gives them; numbers with very many values are searched on a grid. A study
    repeats from its `seed`, but where many trials run, and where it goes on with a sampler made anew, whose draws begin
    anew too.

    Trials that run or wait count as proposed: those of the same process always, those of another as soon as the storage
    tells of them. Where twenty or more run, one screening makes proposals for a tenth of them, each as if those before
    it had come out as predicted; what is told meanwhile counts from the next screening on. A failed trial counts as
    bad, unless its user attribute `repeat` says that its network is another trial's.

    While it chooses, the whole process multiplies matrices in one thread.
    """

    def __init__(self, seed: int | None = None, problem: Problem | None = None) -> None:
        if not isinstance(problem, Problem | None):
            raise SettingError(f"ParetoSampler: found problem={brief(problem)}; write a nas.Problem")
        if not isinstance(seed, Integral | None):
            raise SettingError(f"ParetoSampler: found seed={brief(seed)}; write a whole number")
        self.problem = problem or Problem()
        self._rng = np.random.default_rng(seed)
        self._independent = optuna.samplers.RandomSampler(seed)

    def reseed_rng(self) -> None:
        """Draw a new seed, for studies optimised in several threads or processes."""
        with _TURN:
            self._rng = np.random.default_rng()
            self._independent.reseed_rng()

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Every parameter that may arise, apart from those that a queued trial was given."""
        with _TURN:
            space = self._space(study, () if self.problem.decide else others(study, trial))
        return {name: d for name, d in space.items() if name not in trial.system_attrs.get(QUEUED, {})}

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> Parameters:
        """The next point's parameters among those of `search_space`, at random when every point has been proposed."""
        with _TURN, np.errstate(all="ignore"):
            params = self._agreed(study, trial, search_space) if search_space else {}
        return {name: value for name, value in params.items() if name in search_space}

    def sample_independent(
        self, study: optuna.Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Draw at random a parameter that was not expected to arise, other than in a trial that is alike so far."""
        with _TURN, np.errstate(all="ignore"):
            avoided = rivals(study, trial, param_name, param_distribution)
            for _ in range(AGAIN):
                value = self._independent.sample_independent(study, trial, param_name, param_distribution)
                place = param_distribution.to_internal_repr(value)
                if place not in avoided:
                    note(study, trial, {param_name: value}, {param_name: param_distribution})
                    avoided = rivals(study, trial, param_name, param_distribution)  # another process may have it now
                    if place not in avoided:
                        break
        return value

    def _agreed(self, study: optuna.Study, trial: FrozenTrial, asked: Space) -> Parameters:
        """Propose and note a point, and another where a different process has noted the same meanwhile."""
        params: Parameters = {}
        ours = self._memory(study).ours
        for _ in range(AGAIN):
            batch = self._batch(study, trial, asked)
            tree = batch.now.tree
            if not batch.points:
                return tree.decode(tree.draw(1, self._rng)[0])
            point = batch.points.pop(0)
            params = tree.decode(point)
            note(study, trial, params, batch.space)
            ours.add(trial.number)
            begun = others(study, trial, batch.since)
            later = [t for t in begun if t.number not in batch.settled and t.number not in ours]
            if not batch.now.repeated(point, later):
                break
            self._rng = np.random.default_rng([int(self._rng.integers(2**32)), trial.number])  # not as the other draws
        return params

    def _batch(self, study: optuna.Study, trial: FrozenTrial, asked: Space) -> _Batch:
        """Return what is left of the last screening, or make another."""
        memory = self._memory(study)
        left = memory.batch
        if left and left.points and left.serves(asked, others(study, trial, left.since)):
            return left
        trials = others(study, trial)
        space = {**self._space(study, trials), **asked}
        now = Situation.of(trial, trials, space, asked, memory.tree, memory.ended)
        settled = {t.number for t in trials if t.state.is_finished()}
        since = next(number for number in count() if number not in settled)
        with _BLAS.limit(limits=1, user_api="blas"):
            points = self._propose(study, now)
        memory.batch = _Batch(now, points, space, asked, settled, since)
        return memory.batch

    def _memory(self, study: optuna.Study) -> _Memory:
        memory = _MEMORIES.get(study)
        if memory is None or memory.problem is not self.problem:
            memory = _MEMORIES[study] = _Memory(self.problem)
        return memory

    def _space(self, study: optuna.Study, trials: Sequence[FrozenTrial]) -> dict[str, BaseDistribution]:
        """The parameters of the problem, which is walked once a study, or those that trials had."""
        if not self.problem.decide:
            return {name: d for t in trials for name, d in t.distributions.items()}
        memory = self._memory(study)
        if memory.tree is None:
            memory.tree, offered = explore(self.problem.decide, np.random.default_rng(0))
            memory.space = {name: CategoricalDistribution(values) for name, values in offered.items()}
        return memory.space

    def _propose(self, study: optuna.Study, now: Situation) -> list[Codes]:
        """The next points to try: one, or several where that is a small share of the trials that run."""
        tree, codes, taken, past = now.tree, now.codes, now.taken, now.past(study, self.problem.known())
        costs = self._costs(study, tree, codes)
        kernels = self._memory(study).kernels
        feasibility = Feasibility(tree, past, costs, kernels)
        if len(codes) - len(past.rejected) < starts(tree) or len(past.done) < 2:
            points = spread(tree, codes, costs, self._rng, feasibility)
        else:
            screen = Screen(tree, past, costs, kernels, feasibility)
            points = search(tree, screen.parents, screen, self._rng, taken, past.batch)
            points = screen.together(points, past.batch) if past.batch > 1 else points[:1]
        if len(points):
            return list(points)
        last = tree.first(taken, self._rng)
        return [] if last is None else [last]

    def _costs(self, study: optuna.Study, tree: Tree, codes: Codes) -> Costs:
        problem = self.problem
        probe = codes[0] if len(codes) else tree.draw(1, np.random.default_rng(0))[0]
        names = problem.cheap(tree.decode(probe))
        sign = signs(study)
        _check(problem, names, len(sign))
        columns = {i: (name, sign[i]) for i, name in enumerate(problem.objectives) if name in names}
        return Costs(problem.cheap, columns, problem.maximum, problem.minimum, self._memory(study).costs, problem.table)


def pareto(seed: int, problem: Problem) -> optuna.samplers.BaseSampler:
    """The sampler for one proposal, made anew from the search's seed and the trial's number."""
    return ParetoSampler(seed, problem)


def _check(problem: Problem, costs: Mapping[str, float], objectives: int) -> None:
    """Raise ValueError for a problem that does not fit the study, or a limit on no cost."""
    if problem.objectives and len(problem.objectives) != objectives:
        found = ", ".join(problem.objectives)
        raise ValueError(f"Problem.objectives: found {found}; the study has {objectives} directions")
    for name in (*problem.maximum, *problem.minimum):
        if name not in costs and name not in problem.objectives:
            names = sorted({*costs, *problem.objectives})
            raise ValueError(f"Problem: a limit on '{name}', which cheap does not tell. {suggest(name, names)}")
