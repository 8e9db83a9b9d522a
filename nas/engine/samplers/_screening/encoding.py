"""Points as numbers for a model: one indicator a value, and for numbers their rank too."""

import numpy as np
from numpy.typing import NDArray

from nas.engine.samplers._screening.tree import Codes, Tree
from nas.space.space import Domain

Features = NDArray[np.float64]
MANY = 8


def encode(tree: Tree, codes: Codes) -> Features:
    """Features of points `(points, features)`; what does not arise is zero in all of its columns."""
    return np.concatenate([_columns(d)[codes[:, j]] for j, d in enumerate(tree.domains.values())], axis=1)


def _columns(values: Domain) -> Features:
    """The features of each code of a decision: people space the numbers of a list evenly, by ratio or difference.

    A number of very many values has its rank alone.
    """
    indicators = np.vstack([np.zeros(len(values)), np.eye(len(values))])
    if len(values) < 3 or any(isinstance(v, bool | str) or v is None for v in values):
        return indicators
    ranks = np.argsort(np.argsort(np.array(values, np.float64)))
    scale = np.r_[0.0, ranks / (len(values) - 1) * 2 - 1][:, None]
    return 2 * scale if len(values) > MANY else np.hstack([indicators, scale])


def standard(values: Features, like: Features) -> Features:
    """Columns at the mean and deviation of `like`, on a logarithmic scale where all of `like` is positive."""
    positive = (like > 0).all(axis=0) & (values > 0).all(axis=0)
    ours, theirs = (np.where(positive, np.log(np.where(positive, v, 1.0)), v) for v in (values, like))
    deviation = theirs.std(axis=0)
    return np.asarray((ours - theirs.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0))
