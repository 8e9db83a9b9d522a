"""Another model than the process: randomised trees, which know jumps, and no trend beyond what they saw."""

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesRegressor

from nas.engine.samplers._screening.encoding import Features

Values = NDArray[np.float64]
TREES = 60


def fit(features: Features, values: Values) -> ExtraTreesRegressor:
    """Trees that are each given a sample of the points with replacement; the same ones for the same points."""
    trees = ExtraTreesRegressor(TREES, max_features=0.5, bootstrap=True, random_state=len(values))
    return trees.fit(features, values)


def predict(trees: ExtraTreesRegressor, features: Features) -> tuple[Values, Values]:
    """Mean and standard deviation of what the trees say."""
    single = np.asarray(features, np.float32)
    said = np.array([tree.predict(single, check_input=False) for tree in trees.estimators_])
    return said.mean(axis=0), said.std(axis=0)
