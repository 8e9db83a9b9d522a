"""Milliseconds of a network on its target, measured, or predicted before training."""

import sys


def read_time(value: object) -> float:
    """Return a time, or a multiple of one, as a file holds it. Raises ValueError for what is no number above 0."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= sys.float_info.max:
        raise ValueError(f"found {value!r}; a time is a number above 0")
    return float(value)
