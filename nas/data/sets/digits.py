"""scikit-learn's handwritten digits, 1,797 grey images of 8x8 pixels.

Source: E. Alpaydin, C. Kaynak, UCI Optical Recognition of Handwritten Digits, 1998 (its test part).
"""

import numpy as np
from sklearn.datasets import load_digits

from nas.data.sets import Dataset, Split, assemble

CLASSES = tuple("0123456789")


def digits(path: None, *, seed: int, resolution: int | None = None) -> Dataset:
    """Load the bundled digits, never mirrored, as a mirrored digit is another sign."""
    bunch = load_digits()
    images = np.rint(bunch.images[:, None] * (255 / 16)).astype(np.uint8)
    whole = Split(images, bunch.target.astype(np.int64))
    return assemble("digits", CLASSES, whole, seed=seed, resolution=resolution, mirror=False)
