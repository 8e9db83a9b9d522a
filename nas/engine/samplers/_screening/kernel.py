"""The kernel of the sampler's Gaussian process: a linear part, a smooth part and noise.

scikit-learn's own kernels would add up to the same, but a proposal asks for some 1,600 points, and there each part
walks all pairs by itself. Here one product of matrices, which BLAS is fast at, gives the linear part and the distances.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.gaussian_process.kernels import Hyperparameter, Kernel

Values = NDArray[np.float64]
OFFSET = 1e-6  # of the linear part, by which it need not pass through zero
AMPLITUDE = (1e-4, 1e3)


class Trend(Kernel):  # type: ignore[misc] # scikit-learn has no types
    """`linear` times the dot product, plus `smooth` times Matern's kernel of 5/2 at `length`, plus `noise`.

    Rasmussen and Williams, 2006, equations 4.17 and 4.27.
    """

    def __init__(self, linear: float = 0.1, smooth: float = 1.0, length: float = 3.0, noise: float = 0.01) -> None:
        self.linear, self.smooth, self.length, self.noise = linear, smooth, length, noise

    @property
    def hyperparameters(self) -> list[Hyperparameter]:
        """What is fitted, within which bounds, in the order of the gradient."""
        bounds = {"linear": AMPLITUDE, "smooth": AMPLITUDE, "length": (0.3, 100.0), "noise": (1e-6, 1.0)}
        return [Hyperparameter(name, "numeric", within) for name, within in bounds.items()]

    def __call__(self, x: Values, y: Values | None = None, eval_gradient: bool = False) -> Any:
        """The covariances `(x, y)`, without `y` of `x` with itself, and if asked their gradient in the logarithms."""
        other = x if y is None else y
        linear = x @ other.T
        near = 5 / self.length**2
        scaled = (-2 * near) * linear
        scaled += near * (x**2).sum(axis=1)[:, None]
        scaled += near * (other**2).sum(axis=1)
        if y is None:
            np.fill_diagonal(scaled, 0.0)
        np.sqrt(np.maximum(scaled, 0.0, out=scaled), out=scaled)
        linear += OFFSET
        linear *= self.linear
        gradient = self._gradient(linear, scaled) if eval_gradient else None
        found = _matern(scaled)
        found *= self.smooth
        if gradient is not None:
            gradient[:, :, 1] = found
        found += linear
        if y is None:
            found[np.diag_indices_from(found)] += self.noise
        return found if gradient is None else (found, gradient)

    def _gradient(self, linear: Values, scaled: Values) -> Values:
        """The gradient `(x, x, hyperparameters)` in all but `smooth`, whose place holds anything."""
        gradient = np.empty((*linear.shape, 4))
        gradient[:, :, 0] = linear
        gradient[:, :, 2] = self.smooth / 3 * scaled**2 * (1 + scaled) * np.exp(-scaled)
        gradient[:, :, 3] = self.noise * np.eye(len(linear))
        return gradient

    def diag(self, x: Values) -> Values:
        """The variance of each point, with the noise of a trial there."""
        return np.asarray(self.linear * ((x**2).sum(axis=1) + OFFSET) + self.smooth + self.noise)

    def is_stationary(self) -> bool:
        """Whether only differences matter: not to the linear part."""
        return False


def _matern(scaled: Values) -> Values:
    """Matern's kernel of 5/2, in place of `scaled` and one more array: to lay out each costs more than to fill it."""
    found = scaled / 3
    found += 1
    found *= scaled
    found += 1
    np.negative(scaled, out=scaled)
    found *= np.exp(scaled, out=scaled)
    return found
