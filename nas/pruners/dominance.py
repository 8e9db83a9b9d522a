"""Stop a training that will be dominated beyond doubt: learning curves for several objectives (optuna issue 3450).

At each rung a Gaussian process over the finished trainings predicts, from the losses so far and the known costs, what
a training will come to. It stops when even the upper bound is no better than what no costlier trial has reached.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, DotProduct, WhiteKernel

from nas.pruners._base import Past, Verdict

LEAST = 20  # finished trainings before anything is predicted
MOST = 300  # the last ones are learnt from
DOUBT = 2.5  # standard deviations by which a training must fall short; with 2, 8 % of a front were stopped
SIMILAR = 1.05  # costs that differ by less count as equal: so much a second measurement may move them

# on standardised values; chosen by cross-validation on random networks of cvt_family
KERNEL = RBF(2.0) + ConstantKernel(0.5) * DotProduct(1.0) + WhiteKernel(0.15)


@dataclass(frozen=True)
class Dominated:
    """The judge: what is past, with all goals turned so that less is better."""

    past: Past

    def __call__(self, losses: Sequence[float], known: Mapping[str, float]) -> Verdict | None:
        """See `nas.pruners._base.Judge`."""
        past, trained = self.past, self.past.trained
        sign = -1.0 if past.maximize[trained] else 1.0
        costs = [i for i in range(len(past.objectives)) if i != trained]
        own = np.array([known[past.objectives[i]] for i in costs])
        expected, deviation = _predict(past, losses, own, costs)
        bound = expected - sign * DOUBT * deviation
        rivals = past.points[_no_costlier(past.points[:, costs], own, [past.maximize[i] for i in costs]), trained]
        best = sign * min(sign * rivals, default=np.inf)
        if sign * best > sign * bound:
            return None
        name = past.objectives[trained]
        return Verdict(expected, f"{name} would come to {bound:.4g} at best; a trial that costs no more has {best:.4g}")


def dominance(past: Past) -> Dominated | None:
    """A judge once there are enough finished trainings to learn from."""
    if len(past.points) < LEAST:
        return None
    return Dominated(Past(past.objectives, past.maximize, past.trained, past.points[-MOST:], past.losses[-MOST:]))


def _no_costlier(costs: NDArray[np.float64], own: NDArray[np.float64], maximize: list[bool]) -> NDArray[np.bool_]:
    within = np.where(maximize, costs * SIMILAR >= own, costs <= own * SIMILAR)
    return np.asarray(within.all(axis=1))


def _predict(past: Past, losses: Sequence[float], own: NDArray[np.float64], costs: list[int]) -> tuple[float, float]:
    """The final value of the trained objective, and the standard deviation of that prediction."""
    rows = np.hstack([past.losses[:, : len(losses)], _size(past.points[:, costs])])
    row = np.concatenate([losses, _size(own)])
    mean, spread = rows.mean(axis=0), rows.std(axis=0) + 1e-9
    model = GaussianProcessRegressor(KERNEL, optimizer=None, normalize_y=True)
    model.fit((rows - mean) / spread, past.points[:, past.trained])
    value, deviation = model.predict([(row - mean) / spread], return_std=True)
    return float(value[0]), float(deviation[0]) * _overconfidence(model)


def _overconfidence(model: GaussianProcessRegressor) -> float:
    """How many times its own deviation the model errs, each training left out in turn, if that is more than once.

    In closed form (Rasmussen and Williams, 2006, section 5.4.2).
    """
    inverse = cho_solve((model.L_, True), np.eye(len(model.L_)))
    errors = (inverse @ model.y_train_) / np.sqrt(np.diag(inverse))
    return max(1.0, float(np.sqrt((errors**2).mean())))


def _size(costs: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.log(np.maximum(costs, 1e-12))
