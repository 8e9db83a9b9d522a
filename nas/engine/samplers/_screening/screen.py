"""A score for candidates: how much they should enlarge the front, by past trials and by what is known freely."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial

import moocore
import numpy as np
from numpy.typing import NDArray
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import Kernel

from nas.engine.objective_scale import Scale, even, spread_best, worst
from nas.engine.samplers._screening import surrogate, trees
from nas.engine.samplers._screening.acquisition import boxes, expected_improvement, nondominated
from nas.engine.samplers._screening.encoding import Features, encode, standard
from nas.engine.samplers._screening.tree import Codes, Tree
from nas.space.space import Decisions

Values = NDArray[np.float64]
Cheap = Callable[[Decisions], Mapping[str, float]]
CONDITIONED = 1000  # trials at most that a model is given
MARGIN = 0.01  # of the range, by which the reference of the hypervolume lies beyond the worst
UNLIKELY = 0.01  # the least chance to succeed that a candidate is given
TURNS = ("process", "best", "process", "trees")
"""Which model the next proposal trusts: the process; the process on a scale that tells the best apart; the trees."""


@dataclass(frozen=True)
class Past:
    """What trials told. Losses `(points, objectives)` are to be minimised, in the order of `done`."""

    done: Codes
    losses: Values
    failed: Codes
    running: Codes


@dataclass(frozen=True)
class Known:
    """What is known of any candidate: `cheap` by name; `columns` are the study's objectives among it, with a sign.

    `maximum` and `minimum` are limits. Values of past trials are kept in `memory`.
    """

    cheap: Cheap
    columns: Mapping[int, tuple[str, float]] = field(default_factory=dict)
    maximum: Mapping[str, float] = field(default_factory=dict)
    minimum: Mapping[str, float] = field(default_factory=dict)
    memory: dict[bytes, Mapping[str, float]] = field(default_factory=dict)

    def table(self, tree: Tree, codes: Codes, remember: bool = False) -> dict[str, Values]:
        """The cheap values of points by name; `remember` those of past trials."""
        rows = [self._row(tree, code, remember) for code in codes]
        return {name: np.array([row[name] for row in rows], np.float64) for name in (rows[0] if rows else ())}

    def _row(self, tree: Tree, code: Codes, remember: bool) -> Mapping[str, float]:
        key = code.tobytes()
        if key in self.memory:
            return self.memory[key]
        row = self.cheap(tree.decode(code))
        if remember:
            self.memory[key] = row
        return row

    def within(self, table: Mapping[str, Values], count: int) -> NDArray[np.bool_]:
        """Which points keep every limit on a cheap value."""
        inside = np.ones(count, np.bool_)
        for name, limit in self.maximum.items():
            inside &= table[name] <= limit if name in table else True
        for name, limit in self.minimum.items():
            inside &= table[name] >= limit if name in table else True
        return inside


@dataclass(frozen=True)
class _Model:
    """A model of one loss and the scale on which it sees it."""

    standard: Callable[[Features], tuple[Values, Values]]
    scale: Scale

    def predict(self, features: Features) -> tuple[Values, Values]:
        """Mean and deviation of the loss."""
        return self.scale.undo(*self.standard(features))


class Screen:
    """Scores candidates by expected hypervolume improvement times the chance to succeed.

    Running trials stand in the models and in the front with what is expected of them (Ginsbourger et al., 2010), so
    that parallel proposals differ. Models take turns (`TURNS`), since one by itself may never look where it is sure and
    wrong. `kernels` keeps hyperparameters from one proposal to the next.
    """

    def __init__(self, tree: Tree, past: Past, known: Known, kernels: dict[tuple[str, int], Kernel]) -> None:
        self.tree, self.past, self.known, self.kernels = tree, past, known, kernels
        self.turn = TURNS[(len(past.done) + len(past.failed) + len(past.running)) % len(TURNS)]
        self.reference = np.array(
            [loss.max() if i in known.columns else worst(loss) for i, loss in enumerate(past.losses.T)]
        )
        beyond = MARGIN * (self.reference - past.losses.min(axis=0))
        self.cheap_done = known.table(tree, past.done, remember=True)
        self.expensive = [i for i in range(past.losses.shape[1]) if i not in known.columns]
        models = {i: self._model(i) for i in self.expensive}
        losses = past.losses
        if len(past.running):
            mean, _ = self._losses(past.running, known.table(tree, past.running), models)
            losses = np.concatenate([losses, mean])
            models = {i: self._model(i, past.running, mean[:, i]) for i in self.expensive}
        self.models = models
        self.lower, self.upper = boxes(nondominated(losses), self.reference + beyond)

    def __call__(self, codes: Codes) -> Values:
        """The score of candidates; negative for those that break a limit."""
        table = self.known.table(self.tree, codes)
        score = expected_improvement(self.lower, self.upper, *self._losses(codes, table, self.models))
        if self.feasibility is not None:
            mean, _ = surrogate.predict(self.feasibility, self._features(codes, table))
            score *= np.clip(mean + self.success, UNLIKELY, 1.0)
        return np.where(self.known.within(table, len(codes)), score, -1.0)

    @property
    def parents(self) -> Codes:
        """The points of the front."""
        return np.asarray(self.past.done[moocore.is_nondominated(self.past.losses)])

    @property
    def success(self) -> float:
        """The share of trials that did not fail."""
        return len(self.past.done) / (len(self.past.done) + len(self.past.failed))

    @cached_property
    def feasibility(self) -> GaussianProcessRegressor | None:
        """A process for success (1) and failure (0) about their mean; None where nothing failed."""
        if not len(self.past.failed):
            return None
        done, failed = self.past.done[-CONDITIONED // 2 :], self.past.failed[-CONDITIONED // 2 :]
        codes = np.concatenate([done, failed])
        features = self._features(codes, self.known.table(self.tree, codes, remember=True))
        outcome = np.r_[np.ones(len(done)), np.zeros(len(failed))] - self.success
        return surrogate.condition(surrogate.FIXED, features, outcome)

    def _losses(self, codes: Codes, table: Mapping[str, Values], models: Mapping[int, _Model]) -> tuple[Values, Values]:
        mean, deviation = np.zeros((2, len(codes), self.past.losses.shape[1]))
        features = self._features(codes, table)
        for i, model in models.items():
            mean[:, i], deviation[:, i] = model.predict(features)
        for i, (name, sign) in self.known.columns.items():
            mean[:, i] = sign * table[name]
        return mean, deviation

    def _features(self, codes: Codes, table: Mapping[str, Values]) -> Values:
        decided = encode(self.tree, codes)
        if not table:
            return decided
        cheap = [standard(table[name][:, None], self.cheap_done[name][:, None]) for name in sorted(table)]
        return np.concatenate([decided, *cheap], axis=1)

    def _model(self, i: int, running: Codes | None = None, expected: Values | None = None) -> _Model:
        done, loss = self.past.done, self.past.losses[:, i]
        kept = self._kept()
        codes, seen = done[kept], np.minimum(loss[kept], self.reference[i])
        floor = self._floor(loss, seen)
        if running is not None and expected is not None:
            codes, seen = np.concatenate([codes, running]), np.minimum(np.r_[seen, expected], self.reference[i])
        features = self._features(codes, self.known.table(self.tree, codes))
        scale = Scale.of(seen, floor)
        if self.turn == "trees":
            return _Model(partial(trees.predict, trees.fit(features, scale.apply(seen))), scale)
        process = surrogate.condition(self._kernel(i), features, scale.apply(seen))
        return _Model(partial(surrogate.predict, process), scale)

    def _floor(self, loss: Values, seen: Values) -> float | None:
        floor = even(seen)
        return spread_best(loss) if floor is None and self.turn == "best" else floor

    def _kernel(self, i: int) -> Kernel:
        """Fitted to the first trials, up to a milestone; the same until the next one."""
        count = surrogate.milestone(len(self.past.done))
        key = f"{i} {self.turn}", count
        if key not in self.kernels:
            loss = self.past.losses[:count, i]
            seen = np.minimum(loss, worst(loss))
            first = {name: values[:count] for name, values in self.cheap_done.items()}
            cheap = [standard(first[name][:, None], first[name][:, None]) for name in sorted(first)]
            features = np.concatenate([encode(self.tree, self.past.done[:count]), *cheap], axis=1)
            self.kernels[key] = surrogate.fit_kernel(features, Scale.of(seen, self._floor(loss, seen)).apply(seen))
        return self.kernels[key]

    def _kept(self) -> NDArray[np.intp]:
        """The trials that models are given: all, or those nearest to the front and some of all others."""
        count = len(self.past.done)
        if count <= CONDITIONED:
            return np.arange(count)
        rank = np.argsort(moocore.pareto_rank(self.past.losses), kind="stable")
        near, far = rank[: CONDITIONED // 2], rank[CONDITIONED // 2 :]
        some = far[np.linspace(0, len(far) - 1, CONDITIONED // 2).astype(np.intp)]
        return np.sort(np.concatenate([near, some]))
