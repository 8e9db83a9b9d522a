"""Measuring milliseconds on a target.

After a warm-up, rounds alternate between the network and a small reference network. What slows the machine for a while
slows both, so their ratio stands still; it is multiplied by the time that the reference took when it was calibrated.
"""

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats
from torch import nn
from torch.utils.benchmark import set_torch_threads

from nas import files
from nas.costs.deployment import Deployment
from nas.costs.targets import Clock
from nas.network.architecture import Architecture
from nas.network.build import Network, build
from nas.space.library import load_architecture

Times = NDArray[np.float64]

SPELL, LEAST_RUNS = 2e-3, 3  # seconds, and runs, of a network before it is the other's turn
SETTLED = 0.02  # a warm-up ends when a spell is no longer faster than the ones before by more than this share
MOST_WARM_UP = 3.0  # seconds
FEWEST, MOST_AT_ONCE = 12, 25  # rounds
CONFIDENCE, PRECISION = 0.95, 0.02
BETTER = 0.97  # of the calibrated time: below it the calibration was disturbed
CPU = Deployment()

REFERENCE = {
    "name": "reference",
    "resolution": 32,
    "channels": 3,
    "classes": 10,
    "stem": {"kind": "conv", "width": 16},
    "stages": [
        {"block": "conv", "depth": 1, "width": 16, "stride": 2},
        {"block": "mbconv", "depth": 2, "width": 32, "stride": 1},
        {"block": "transformer", "depth": 1, "width": 48, "stride": 2, "head_dim": 16},
        {"block": "moat", "depth": 1, "width": 64, "stride": 1, "head_dim": 16},
    ],
}
"""The network that every measurement is compared with: as varied as those of a search, so that what slows them slows it
alike (a smaller one slowed down more than they did, and ratios fell on a busy machine), and quick on any device."""


@dataclass(frozen=True)
class Timing:
    """A measurement in milliseconds for one batch.

    `low` and `high` bound the median with 95 % confidence; `steady` tells that they lie within the precision asked for,
    otherwise the time limit came first. `runs` counts the rounds; `drift` is how much slower than in its calibration
    the reference ran meanwhile.
    """

    median: float
    iqr: float
    low: float
    high: float
    runs: int
    steady: bool
    drift: float


@dataclass(frozen=True)
class Latency(Timing):
    """The timing of a network, and where and how it ran."""

    target: str
    device: str
    batch: int
    threads: int
    dtype: str
    resolution: int

    def to_dict(self) -> dict[str, Any]:
        """Plain data for records and JSON."""
        return asdict(self)


def measure(
    network: Network | Architecture,
    deployment: Deployment = CPU,
    *,
    precision: float = PRECISION,
    seconds: float = 10.0,
) -> Latency:
    """Time a network's forward pass where it will be deployed.

    A copy is timed of a network that is there already; that of an architecture is built. Rounds are added until the
    confidence interval of the median is narrower than `precision`, a share of it, or until `seconds` have passed.
    Raises SettingError when the target is not on this machine.
    """
    deployment.check()
    own, shape = _own(network)
    timing = time_network(own, shape, deployment, precision, seconds)
    return Latency(**asdict(timing), resolution=shape[-1], **deployment.to_dict())


def _own(network: Network | Architecture) -> tuple[Network, tuple[int, int, int]]:
    """A network that may be moved and changed, and the shape of its images."""
    architecture = network if isinstance(network, Architecture) else network.architecture
    own = build(network, seed=0) if isinstance(network, Architecture) else deepcopy(network)
    return own, (architecture.channels, architecture.resolution, architecture.resolution)


def time_network(
    network: nn.Module, shape: tuple[int, ...], deployment: Deployment, precision: float, seconds: float
) -> Timing:
    """Time any network, which is moved and changed by it, on images of a shape, `(channels, height, width)`."""
    with quiet(deployment.setting.threads):
        reference = _reference(deployment)
        x = torch.zeros(deployment.setting.batch, *shape)
        clock = deployment.kind.prepare(network.eval(), x, deployment.setting)
        own, other = _alternate(clock, reference.clock, precision, seconds).T
    reference.seen(float(np.median(other)))
    ratios = own / other
    low, high = interval(ratios)
    median, scale = float(np.median(ratios)), 1e3 * reference.seconds
    return Timing(
        median=scale * median,
        iqr=scale * float(stats.iqr(ratios)),
        low=scale * low,
        high=scale * high,
        runs=len(ratios),
        steady=high - low <= precision * median,
        drift=float(np.median(other)) / reference.seconds,
    )


def run_for(
    network: Network | Architecture, deployment: Deployment, seconds: float, meter: Callable[[], float]
) -> tuple[float, int]:
    """Run one batch after another for some time; what a meter counted meanwhile, and the number of batches."""
    deployment.check()
    own, shape = _own(network)
    x = torch.zeros(deployment.setting.batch, *shape)
    with quiet(deployment.setting.threads):
        clock = deployment.kind.prepare(own.eval(), x, deployment.setting)
        count, batches = warm_up(clock), 0
        end, before = time.monotonic() + seconds, meter()
        while time.monotonic() < end:
            clock(count)
            batches += count
        return meter() - before, batches


@dataclass
class _Reference:
    """The reference network ready to run, and the seconds that one run takes on this machine at its best."""

    clock: Clock
    key: dict[str, Any]
    seconds: float

    def seen(self, seconds: float) -> None:
        """Learn that the machine is better than it was in its calibration, which something must have disturbed."""
        if seconds < BETTER * self.seconds:
            self.seconds = seconds
            files.keep("reference", self.key, {"seconds": seconds})


def reference_seconds(deployment: Deployment) -> float:
    """Seconds that one run of the reference takes on this machine at its best; all times are in proportion to it."""
    with quiet(deployment.setting.threads):
        return _reference(deployment).seconds


@cache
def _reference(deployment: Deployment) -> _Reference:
    architecture = load_architecture(REFERENCE)
    x = torch.zeros(deployment.setting.batch, architecture.channels, architecture.resolution, architecture.resolution)
    clock = deployment.kind.prepare(build(architecture, seed=0).eval(), x, deployment.setting)
    key = {"reference": REFERENCE} | deployment.key()
    known = files.recall("reference", key)
    if known is None:
        known = {"seconds": calibrate(clock)}
        files.keep("reference", key, known)
    return _Reference(clock, key, float(known["seconds"]))


def calibrate(clock: Clock, spells: int = 8, seconds: float = 0.2) -> float:
    """Seconds that one run takes on a machine at its best: the lowest of several spells' medians."""
    count = warm_up(clock)
    rounds = max(3, round(seconds / max(clock(count), 1e-6)))
    return min(float(np.median([clock(count) / count for _ in range(rounds)])) for _ in range(spells))


def warm_up(clock: Clock) -> int:
    """Run until a spell is no longer faster than those before; returns how many runs make a spell."""
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


def _alternate(clock: Clock, reference: Clock, precision: float, seconds: float) -> Times:
    """Seconds of one run `(rounds, 2)`: the network's, and the mean of the reference's before and after it."""
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
    """Bounds of the median by order statistics, whatever the distribution; all values' range when they are few."""
    found: Any = stats.quantile_test(values, p=0.5).confidence_interval(confidence)
    low = found.low if np.isfinite(found.low) else values.min()
    high = found.high if np.isfinite(found.high) else values.max()
    return float(low), float(high)


@contextmanager
def quiet(threads: int) -> Iterator[None]:
    """So many threads, and no collection of garbage in the middle of a run."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        with set_torch_threads(threads):
            yield
    finally:
        if collecting:
            gc.enable()
