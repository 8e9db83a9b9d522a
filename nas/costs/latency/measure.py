"""Measuring a network's milliseconds on a target, beside a reference network.

Rounds alternate between the two. A slower machine slows both, so their ratio holds; it is multiplied by the calibrated
time of the reference.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import asdict, dataclass
from functools import cache

import numpy as np
import torch
from torch import nn

from nas import files
from nas.costs.deployment import Deployment
from nas.costs.latency import read_time
from nas.costs.latency.rounds import alternate, calibrate, interval, quiet, side_by_side, warm_up
from nas.costs.targets import Clock
from nas.files import Json
from nas.network.architecture import Architecture
from nas.network.build import Network, build
from nas.registry import TARGETS
from nas.space.library import load_architecture

PRECISION = 0.02  # width of the median's confidence interval, as a share of the median
BETTER = 0.97  # a faster reference, as a share of its calibrated time, shows a disturbed calibration
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
"""The network that every measurement is compared with, quick on any device and as varied as those of a search, so that
a busy machine slows both alike. A smaller one slowed down more, and ratios fell."""


@dataclass(frozen=True)
class Timing:
    """A measurement in milliseconds for one batch.

    `low` and `high` bound the median with 95 % confidence; `steady` tells whether they lie within the given precision,
    or the time limit came first. `runs` counts the rounds; `drift` is the reference's time as a multiple of its
    calibrated time.
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
    """The timing of a network, with the target, device and setting."""

    target: str
    device: str
    batch: int
    threads: int
    dtype: str
    resolution: int

    def to_dict(self) -> Json:
        """Return plain data for records and JSON."""
        return asdict(self)


def measure(
    network: Network | Architecture,
    deployment: Deployment = CPU,
    *,
    precision: float = PRECISION,
    seconds: float = 10.0,
) -> Latency:
    """Time a network's forward pass on its target.

    A built network is copied, an architecture's is built. Rounds go on until the median's confidence interval is
    narrower than `precision`, a share of the median, or until `seconds` have passed. Raises SettingError when the
    target is not on this machine.
    """
    deployment.check()
    own, shape = _own(network)
    timing = time_network(own, shape, deployment, precision, seconds)
    return Latency(**asdict(timing), resolution=shape[-1], **deployment.to_dict())


def _own(network: Network | Architecture) -> tuple[Network, tuple[int, int, int]]:
    """Copy or build a network to be moved and changed, and return it with the shape of its images."""
    architecture = network if isinstance(network, Architecture) else network.architecture
    own = build(network, seed=0) if isinstance(network, Architecture) else deepcopy(network)
    return own, architecture.image_shape


def _clock(network: nn.Module, shape: tuple[int, ...], deployment: Deployment) -> Clock:
    """Make a module ready to run on a batch of images of a shape, moving and changing it, and return its clock."""
    x = torch.zeros(deployment.setting.batch, *shape)
    with TARGETS.telling(deployment.target, "prepare(network, images, setting)"):
        clock = deployment.kind.prepare(network.eval(), x, deployment.setting)

    def told(count: int) -> float:
        with TARGETS.telling(deployment.target, "the clock"):
            return clock(count)

    return told


def time_network(
    network: nn.Module, shape: tuple[int, ...], deployment: Deployment, precision: float, seconds: float
) -> Timing:
    """Time any module on images of a shape, `(channels, height, width)`, moving and changing the module."""
    with quiet(deployment.setting.threads):
        reference = _reference(deployment)
        own, other = alternate(_clock(network, shape, deployment), reference.clock, precision, seconds).T
    reference.seen(float(np.median(other)))
    ratios = own / other
    low, high = interval(ratios)
    median, scale = float(np.median(ratios)), 1e3 * reference.seconds
    return Timing(
        median=scale * median,
        iqr=scale * float(np.subtract(*np.quantile(ratios, (0.75, 0.25)))),
        low=scale * low,
        high=scale * high,
        runs=len(ratios),
        steady=high - low <= precision * median,
        drift=float(np.median(other)) / reference.seconds,
    )


def time_side_by_side(
    architectures: Sequence[Architecture],
    modules: Sequence[tuple[nn.Module, tuple[int, ...]]],
    deployment: Deployment,
    rounds: int,
    seconds: float,
    told: Callable[[float], None] = lambda share: None,
) -> list[float]:
    """Time networks, and modules on images of a shape, as multiples of the reference, moving and changing the modules.

    Less sure for each than `measure`, and many times faster for many: see `rounds.side_by_side`.
    """
    with quiet(deployment.setting.threads):
        reference = _reference(deployment)
        made = [*map(_own, architectures), *modules]
        clocks = [_clock(network, shape, deployment) for network, shape in made]
        ratios, other = side_by_side(clocks, reference.clock, rounds, seconds, told)
    reference.seen(other)
    found: list[float] = ratios.tolist()
    return found


def run_for(
    network: Network | Architecture, deployment: Deployment, seconds: float, meter: Callable[[], float]
) -> tuple[float, int]:
    """Run batches for some seconds and return the meter's count meanwhile, and the number of batches.

    Raises SettingError when the target is not on this machine.
    """
    deployment.check()
    own, shape = _own(network)
    with quiet(deployment.setting.threads):
        clock = _clock(own, shape, deployment)
        count, batches = warm_up(clock), 0
        end, before = time.monotonic() + seconds, meter()
        while time.monotonic() < end:
            clock(count)
            batches += count
        return meter() - before, batches


@dataclass
class _Reference:
    """The reference network ready to run, and the seconds of one run on the undisturbed machine."""

    clock: Clock
    key: Json
    seconds: float
    lasting: bool

    def seen(self, seconds: float) -> None:
        """Replace the calibrated time by a clearly faster one, as the calibration must have been disturbed."""
        self.recall()
        if seconds < BETTER * self.seconds:
            self.seconds = seconds
            self.keep()

    def recall(self) -> None:
        """Take the time that another process has lowered since, so that all processes have one unit."""
        with suppress(ValueError):
            kept = _kept(self.key, self.lasting)
            if kept > self.seconds:  # two lowered it at once, and the larger one came last
                self.keep()
            self.seconds = min(self.seconds, kept)

    def keep(self) -> None:
        """Keep the seconds in the cache, unless they are a target's whose source may change unseen."""
        if self.lasting:
            files.keep("reference", self.key, {"seconds": self.seconds})


def reference_seconds(deployment: Deployment) -> float:
    """Return the seconds of one run of the reference on the undisturbed machine, the unit of all times."""
    with quiet(deployment.setting.threads):
        reference = _reference(deployment)
        reference.recall()
        return reference.seconds


@cache
def _reference(deployment: Deployment) -> _Reference:
    clock = _clock(*_own(load_architecture(REFERENCE)), deployment)
    key = {"reference": REFERENCE} | deployment.key()
    try:
        return _Reference(clock, key, _kept(key, deployment.lasting), deployment.lasting)
    except ValueError:
        found = _Reference(clock, key, calibrate(clock), deployment.lasting)
        found.keep()
        return found


def _kept(key: Json, lasting: bool) -> float:
    """Return the reference's seconds in the cache. Raises ValueError where none are kept, or damaged ones."""
    kept = files.recall("reference", key) if lasting else None
    return read_time((kept or {}).get("seconds"))
