"""Stop a training that will be dominated beyond doubt: learning curves for several objectives (optuna issue 3450).

At each rung a Gaussian process over the finished trainings predicts a training's final value from its losses so far and
its costs. The training stops when even the optimistic bound is no better than a trial that costs no more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, DotProduct, WhiteKernel

from nas.engine.objective_scale import Scale, even, spread_best
from nas.engine.pruners import Curves
from nas.evaluation.early_stop import Verdict

LEAST = 20  # finished trainings before anything is predicted
MOST = 300  # the last ones are learnt from
DOUBT = 2.5  # standard deviations by which a training must fall short
SIMILAR = 1.01  # costs within this factor count as equal, as a second measurement may differ as much

# on standardised values; chosen by cross-validation on random networks of cvt_family
KERNEL = RBF(2.0) + ConstantKernel(0.5) * DotProduct(1.0) + WhiteKernel(0.15)


@dataclass(frozen=True)
class Dominated:
    """Judges a training by finished ones: `reached` are their trained objectives as losses, predicted on `scale`.

    That scale tells the best apart: bad networks scatter several times as widely as good ones, so that one deviation on
    the scale of accuracy itself would stop none of those near the front.
    """

    curves: Curves
    sign: float
    reached: NDArray[np.float64]
    scale: Scale

    def __call__(self, losses: Sequence[float], costs: Mapping[str, float]) -> Verdict | None:
        """See `nas.evaluation.early_stop.Judge`."""
        curves = self.curves
        columns = [i for i in range(len(curves.objectives)) if i != curves.trained]
        own = np.array([costs[curves.objectives[i]] for i in columns])
        expected, deviation = self._predict(losses, own, columns)
        rivals = self.reached[_no_costlier(curves.points[:, columns], own, [curves.maximize[i] for i in columns])]
        best, bound = self.sign * min(rivals, default=np.inf), self._value(expected - DOUBT * deviation)
        if self.sign * best > self.sign * bound:
            return None
        name = curves.objectives[curves.trained]
        reason = f"{name} would come to {bound:.4g} at best; a trial that costs no more has {best:.4g}"
        return Verdict(self._value(expected), reason)

    def _predict(self, losses: Sequence[float], own: NDArray[np.float64], columns: list[int]) -> tuple[float, float]:
        """Predict a training's final value on the scale, with its standard deviation."""
        rows = np.hstack([self.curves.losses[-MOST:, : len(losses)], _size(self.curves.points[-MOST:, columns])])
        row = np.concatenate([losses, _size(own)])
        mean, spread = rows.mean(axis=0), rows.std(axis=0) + 1e-9
        model = GaussianProcessRegressor(KERNEL, optimizer=None, normalize_y=True)
        model.fit((rows - mean) / spread, self.scale.apply(self.reached[-MOST:]))
        value, deviation = model.predict([(row - mean) / spread], return_std=True)
        return float(value[0]), float(deviation[0]) * _overconfidence(model)

    def _value(self, standard: float) -> float:
        """The trained objective at a point of the scale."""
        return self.sign * float(self.scale.undo(np.array(standard), np.array(0.0))[0])


def dominance(curves: Curves) -> Dominated | None:
    """A judge once there are enough finished trainings to learn from."""
    if len(curves.points) < LEAST:
        return None
    sign = -1.0 if curves.maximize[curves.trained] else 1.0
    reached = sign * curves.points[:, curves.trained]
    floor = even(reached)
    return Dominated(curves, sign, reached, Scale.of(reached, spread_best(reached) if floor is None else floor))


def _no_costlier(costs: NDArray[np.float64], own: NDArray[np.float64], maximize: list[bool]) -> NDArray[np.bool_]:
    within = np.where(maximize, costs * SIMILAR >= own, costs <= own * SIMILAR)
    return np.asarray(within.all(axis=1))


def _overconfidence(model: GaussianProcessRegressor) -> float:
    """The ratio of the model's leave-one-out errors to its own deviations, at least 1.

    In closed form (Rasmussen and Williams, 2006, section 5.4.2).
    """
    inverse = cho_solve((model.L_, True), np.eye(len(model.L_)))
    errors = (inverse @ model.y_train_) / np.sqrt(np.diag(inverse))
    return max(1.0, float(np.sqrt((errors**2).mean())))


def _size(costs: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.log(np.maximum(costs, 1e-12))
