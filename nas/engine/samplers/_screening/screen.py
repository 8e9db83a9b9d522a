"""The acquisition of candidates: how much each should enlarge the front, by past trials and known costs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import moocore
import numpy as np
from numpy.typing import NDArray
from sklearn.gaussian_process.kernels import Kernel

from nas.engine.improvement import boxes, expected_improvement, nondominated
from nas.engine.objective_scale import Scale, even, spread_best, unit, worst
from nas.engine.samplers._screening.evidence import Costs, Past
from nas.engine.samplers._screening.feasibility import Feasibility
from nas.engine.samplers._screening.models import GIVEN, Features, describe, fit_trees, predict_trees, spreads
from nas.engine.samplers._screening.process import Kernels, fit_process, predict_process, tuned
from nas.engine.samplers._screening.tree import Codes, Tree

Values = NDArray[np.float64]
MARGIN = 0.01  # of the range, by which the reference of the hypervolume lies beyond the worst
LEAST = -100.0  # the logarithm of a chance of success below which none is told from another
TURNS = ("process", "best", "process", "trees")
"""The model behind each proposal in turn: the process, the process on a scale that tells the best apart, the trees."""


@dataclass(frozen=True)
class _Model:
    """A model of one loss, and the scale on which it predicts."""

    standardised: Callable[[Features], tuple[Values, Values]]
    scale: Scale

    def predict(self, features: Features) -> tuple[Values, Values]:
        """Mean and deviation of the loss."""
        return self.scale.undo(*self.standardised(features))


class Screen:
    """Values candidates by expected hypervolume improvement times the chance of success.

    Running trials enter the models and the front with their predicted values (Ginsbourger et al., 2010), so that
    parallel proposals differ. Models take turns (`TURNS`) from one screening to the next, since each alone would never
    try again where it is wrongly sure. `kernels` keeps hyperparameters from one proposal to the next.

    Losses are in units of their size, a power of two, which changes no digit and lets nothing overflow.
    """

    def __init__(self, tree: Tree, past: Past, costs: Costs, kernels: Kernels, feasibility: Feasibility) -> None:
        self.units = np.array([unit(loss) for loss in past.losses.T])
        past = replace(past, losses=past.losses / self.units)
        self.tree, self.past, self.costs, self.kernels, self.feasibility = tree, past, costs, kernels, feasibility
        self.encode = feasibility.encode
        begun = len(past.done) + len(past.failed) + len(past.running)
        self.turn = TURNS[begun // past.batch % len(TURNS)]  # one screening later, `begun` is as many more
        self.reference = np.array(
            [loss.max() if i in costs.columns else worst(loss) for i, loss in enumerate(past.losses.T)]
        )
        span = self.reference - past.losses.min(axis=0)
        beyond = np.where(span > 0, MARGIN * span, 1.0)  # where all are alike the others decide
        self.costs_done = costs.table(tree, past.done, remember=True)
        self.spreads = spreads(self.costs_done)
        self.modelled = [i for i in range(past.losses.shape[1]) if i not in costs.columns]
        models = {i: self._model(i) for i in self.modelled}
        losses = past.losses
        if len(past.running):
            mean, _ = self._losses(past.running, costs.table(tree, past.running), models)
            losses = np.concatenate([losses, mean])
            models = {i: self._model(i, past.running, mean[:, i]) for i in self.modelled}
        self.models, self.front, self.end = models, nondominated(losses), self.reference + beyond
        self.boxes = boxes(self.front, self.end)

    def __call__(self, codes: Codes) -> Values:
        """The acquisition of candidates, negative for those that break a limit."""
        table = self.costs.table(self.tree, codes)
        chance = self._chance(codes, table)
        worth = chance * expected_improvement(self.boxes, *self._losses(codes, table, self.models))
        return np.where(chance > 0, worth, -1.0)

    def together(self, codes: Codes, count: int) -> Codes:
        """Choose up to `count` candidates to try at once, each as if those before it came out as predicted."""
        if not len(codes):
            return codes
        table = self.costs.table(self.tree, codes)
        chance, (mean, deviation) = self._chance(codes, table), self._losses(codes, table, self.models)
        chosen: list[int] = []
        front = self.front
        for _ in range(min(count, int((chance > 0).sum()))):
            worth = chance * expected_improvement(boxes(front, self.end), mean, deviation)
            worth[chosen] = -1.0
            chosen.append(int(np.argmax(worth)))
            front = nondominated(np.concatenate([front, mean[chosen[-1:]]]))
        return codes[chosen]

    def _chance(self, codes: Codes, table: Mapping[str, Values]) -> Values:
        """The chance of success of candidates, 0 for those that break a limit."""
        found = self.feasibility(codes, table)
        return np.where(np.isneginf(found), 0.0, np.exp(np.maximum(found, LEAST)))

    @property
    def parents(self) -> Codes:
        """The points of the front."""
        return np.asarray(self.past.done[moocore.is_nondominated(self.past.losses)])

    def _losses(self, codes: Codes, table: Mapping[str, Values], models: Mapping[int, _Model]) -> tuple[Values, Values]:
        mean, deviation = np.zeros((2, len(codes), self.past.losses.shape[1]))
        features = self._features(codes, table)
        for i, model in models.items():
            mean[:, i], deviation[:, i] = model.predict(features)
        for i, (name, sign) in self.costs.columns.items():
            mean[:, i] = sign * table[name] / self.units[i]
        return mean, deviation

    def _features(self, codes: Codes, table: Mapping[str, Values]) -> Values:
        return describe(self.encode(codes), table, self.spreads)

    def _model(self, i: int, running: Codes | None = None, expected: Values | None = None) -> _Model:
        done, loss = self.past.done, self.past.losses[:, i]
        kept = self._kept()
        codes, seen = done[kept], np.minimum(loss[kept], self.reference[i])
        floor = self._floor(loss, seen)
        if running is not None and expected is not None:
            codes, seen = np.concatenate([codes, running]), np.minimum(np.r_[seen, expected], self.reference[i])
        features = self._features(codes, self.costs.table(self.tree, codes))
        scale = Scale.of(seen, floor)
        if self.turn == "trees":
            return _Model(partial(predict_trees, fit_trees(features, scale.apply(seen))), scale)
        process = fit_process(self._kernel(i), features, scale.apply(seen))
        return _Model(partial(predict_process, process), scale)

    def _floor(self, loss: Values, seen: Values) -> float | None:
        floor = even(seen)
        return spread_best(loss) if floor is None and self.turn == "best" else floor

    def _kernel(self, i: int) -> Kernel:
        """The kernel fitted to the trials up to the last milestone."""

        def told(count: int) -> tuple[Features, Values]:
            loss = self.past.losses[:count, i]
            seen = np.minimum(loss, worst(loss))
            first = {name: values[:count] for name, values in self.costs_done.items()}
            features = describe(self.encode(self.past.done[:count]), first, spreads(first))
            return features, Scale.of(seen, self._floor(loss, seen)).apply(seen)

        return tuned(self.kernels, f"{i} {self.turn}", len(self.past.done), told)

    def _kept(self) -> NDArray[np.intp]:
        """The trials that models are fitted to: all, or those nearest to the front and an even choice of the others."""
        count = len(self.past.done)
        if count <= GIVEN:
            return np.arange(count)
        rank = np.argsort(moocore.pareto_rank(self.past.losses), kind="stable")
        near, far = rank[: GIVEN // 2], rank[GIVEN // 2 :]
        some = far[np.linspace(0, len(far) - 1, GIVEN // 2).astype(np.intp)]
        return np.sort(np.concatenate([near, some]))
