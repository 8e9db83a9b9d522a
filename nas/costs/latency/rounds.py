"""Timing by clocks: warm-up, calibration, rounds of two clocks or of many, the interval of a median.

`runner.py`, which devices run without this package, follows `warm_up`, `calibrate` and `alternate`.
"""

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.utils.benchmark import set_torch_threads

from nas.costs.targets import Clock

Times = NDArray[np.float64]

SPELL, LEAST_RUNS = 2e-3, 3  # seconds and runs of a network before the other's turn
SETTLED = 0.02  # the share by which a spell must beat the earlier ones for the warm-up to go on
MOST_WARM_UP = 3.0  # seconds
FEWEST, MOST_AT_ONCE = 12, 25  # rounds
CONFIDENCE = 0.95
SHORT_SPELL = 1e-3  # seconds of a network that is one of many
BETWEEN = 5  # clocks between two turns of the reference, where there are many
FEWEST_ROUNDS = 3  # however little time there is


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
            if time.monotonic() > end and len(rounds) >= FEWEST_ROUNDS:
                return np.array(rounds)
        times = np.array(rounds)
        ratios = times[:, 0] / times[:, 1]
        low, high = interval(ratios)
        if high - low <= precision * np.median(ratios):
            return times


def side_by_side(
    clocks: Sequence[Clock], reference: Clock, rounds: int, seconds: float, told: Callable[[float], None]
) -> tuple[Times, float]:
    """Return the time of one run of each clock as a multiple of the reference's, the median over rounds.

    Returns also the seconds of one run of the reference, the median of the quickest round.

    A round goes over all clocks in a random order, with the reference before and after every few. So what slows the
    machine for some seconds spoils a round or two of each, and not all rounds of one. No further round begins once
    `seconds` have passed, unless there were fewer than three. `told` is called with the share that is done.
    """
    counts = [_turns(clock) for clock in clocks]
    compared, rng = _turns(reference), np.random.default_rng(0)
    ratios: list[Times] = []
    compared_to: list[float] = []
    end = time.monotonic() + seconds
    while len(ratios) < rounds and (len(ratios) < FEWEST_ROUNDS or time.monotonic() < end):
        row, others = np.empty(len(clocks)), [_again(reference, compared)]
        order = rng.permutation(len(clocks)).tolist()
        for some in (order[i : i + BETWEEN] for i in range(0, len(order), BETWEEN)):
            row[some] = [_again(clocks[i], counts[i]) for i in some]
            others.append(_again(reference, compared))
            row[some] /= (others[-2] + others[-1]) / 2
        ratios.append(row)
        compared_to.append(float(np.median(others)))
        told(len(ratios) / rounds)
    return np.asarray(np.median(ratios, axis=0)), min(compared_to)


def _turns(clock: Clock) -> int:
    """Run twice, as the first run prepares, and return the number of runs in a short spell."""
    clock(1)
    once = clock(1)
    return max(2 if once < SPELL * LEAST_RUNS else 1, round(SHORT_SPELL / max(once, 1e-7)))


def _again(clock: Clock, count: int) -> float:
    """Return the seconds of one run when others ran before: the first run fetches from memory and does not count."""
    clock(1)
    return clock(count) / count


def interval(values: Times) -> tuple[float, float]:
    """Bound the median by order statistics, for any distribution, or by the range of a few values."""
    from scipy import stats  # takes most of a second to import

    found: Any = stats.quantile_test(values, p=0.5).confidence_interval(CONFIDENCE)
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
