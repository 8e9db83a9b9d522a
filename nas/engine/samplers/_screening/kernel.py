"""The kernel of the sampler's Gaussian process: a linear part, a smooth part and noise.

scikit-learn's own kernels would add up to the same, but a proposal asks for some 2,000 points, and there each part
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
        scaled = -2 * linear
        scaled += (x**2).sum(axis=1)[:, None]
        scaled += (other**2).sum(axis=1)
        if y is None:
            np.fill_diagonal(scaled, 0.0)
        np.sqrt(np.maximum(scaled, 0.0, out=scaled), out=scaled)
        scaled *= 5**0.5 / self.length
        linear += OFFSET
        linear *= self.linear
        smooth = _matern(scaled)
        smooth *= self.smooth
        found = linear + smooth
        if y is None:
            found[np.diag_indices_from(found)] += self.noise
        if not eval_gradient:
            return found
        longer = self.smooth / 3 * scaled**2 * (1 + scaled) * np.exp(-scaled)
        return found, np.stack([linear, smooth, longer, self.noise * np.eye(len(x))], axis=-1)

    def diag(self, x: Values) -> Values:
        """The variance of each point, with the noise of a trial there."""
        return np.asarray(self.linear * ((x**2).sum(axis=1) + OFFSET) + self.smooth + self.noise)

    def is_stationary(self) -> bool:
        """Whether only differences matter: not to the linear part."""
        return False


def _matern(scaled: Values) -> Values:
    """Matern's kernel of 5/2, worked out in place: to lay out another such array costs more than to fill it."""
    found = scaled / 3
    found += 1
    found *= scaled
    found += 1
    decay = -scaled
    found *= np.exp(decay, out=decay)
    return found
