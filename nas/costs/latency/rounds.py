"""Timing by clocks: warm-up, calibration, rounds that alternate between two clocks, the interval of a median."""

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from torch.utils.benchmark import set_torch_threads

from nas.costs.targets import Clock

Times = NDArray[np.float64]

SPELL, LEAST_RUNS = 2e-3, 3  # seconds and runs of a network before the other's turn
SETTLED = 0.02  # the share by which a spell must beat the earlier ones for the warm-up to go on
MOST_WARM_UP = 3.0  # seconds
FEWEST, MOST_AT_ONCE = 12, 25  # rounds
CONFIDENCE = 0.95


def calibrate(clock: Clock, spells: int = 8, seconds: float = 0.2) -> float:
    """Return the seconds of one run on an undisturbed machine, the lowest of several spells' medians."""
    count = warm_up(clock)
    rounds = max(3, round(seconds / max(clock(count), 1e-6)))
    return min(float(np.median([clock(count) / count for _ in range(rounds)])) for _ in range(spells))


def warm_up(clock: Clock) -> int:
    """Run until spells no longer get faster, and return the number of runs in a spell."""
    spent = best = once = clock(1)
    settled = 0
    while spent < MOST_WARM_UP and settled < 3:
        count = _count(once)
        taken = clock(count)
        spent, once = spent + taken, taken / count
        settled = settled + 1 if once > (1 - SETTLED) * best else 0
        best = min(best, once)
    return _count(best)


def _count(once: float) -> int:
    return max(LEAST_RUNS if once < 10 * SPELL else 1, round(SPELL / max(once, 1e-7)))


def alternate(clock: Clock, reference: Clock, precision: float, seconds: float) -> Times:
    """Return the seconds of one run `(rounds, 2)`: the network's, and the mean of the reference's before and after it.

    Rounds go on until the interval of the ratios' median is narrower than `precision`, a share of the median, or until
    `seconds` have passed.
    """
    count, compared = warm_up(clock), warm_up(reference)
    rounds: list[tuple[float, float]] = []
    end, before = time.monotonic() + seconds, reference(compared)
    while True:
        for _ in range(min(MOST_AT_ONCE, max(FEWEST, len(rounds)))):
            own, after = clock(count), reference(compared)
            rounds.append((own / count, (before + after) / 2 / compared))
            before = after
            if time.monotonic() > end and len(rounds) >= 3:
                return np.array(rounds)
        times = np.array(rounds)
        ratios = times[:, 0] / times[:, 1]
        low, high = interval(ratios)
        if high - low <= precision * np.median(ratios):
            return times


def interval(values: Times, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Bound the median by order statistics, for any distribution, or by the range of a few values."""
    found: Any = stats.quantile_test(values, p=0.5).confidence_interval(confidence)
    low = found.low if np.isfinite(found.low) else values.min()
    high = found.high if np.isfinite(found.high) else values.max()
    return float(low), float(high)


@contextmanager
def quiet(threads: int) -> Iterator[None]:
    """Run with `threads` threads and without collecting garbage."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        with set_torch_threads(threads):
            yield
    finally:
        if collecting:
            gc.enable()
