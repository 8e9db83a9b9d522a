"""The bundled digits."""

import numpy as np
from sklearn.datasets import load_digits

from nas.data import load


def test_digits_are_the_bundled_ones():
    data = load("digits", seed=3)
    assert data.images.shape == (1797, 1, 8, 8)
    assert (data.images.min(), data.images.max()) == (0, 255)
    assert np.array_equal(np.rint(data.images[:, 0] * (16 / 255)), load_digits().images)
    assert np.array_equal(data.labels, load_digits().target)
