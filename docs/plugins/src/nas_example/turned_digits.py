"""Handwritten digits, turned: does a network that does well on upright ones do well on these?"""

import numpy as np
from sklearn.datasets import load_digits

from nas.data.sets import Dataset, Split, assemble


def turned_digits(path: None, *, seed: int, resolution: int | None = None) -> Dataset:
    """The 1,797 digits of scikit-learn, 8x8 pixels, each turned by a quarter to the left."""
    bunch = load_digits()
    images = np.rint(np.rot90(bunch.images, axes=(1, 2))[:, None] * (255 / 16)).astype(np.uint8)
    whole = Split(images, bunch.target.astype(np.int64))
    classes = tuple("0123456789")
    return assemble("turned_digits", classes, whole, seed=seed, resolution=resolution, mirror=False)
