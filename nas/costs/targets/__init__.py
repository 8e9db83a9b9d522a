"""Ways of running networks once they are shipped, each timed by a clock of its own.

A target is a `Target` in a file of this folder, named like the file; a file of several names them in `__all__`.
"""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from nas.files import Json

Dtype = Literal["float32", "float16", "bfloat16"]
Clock = Callable[[int], float]
"""Runs a network so many times, one after another, and returns the seconds that took."""


@dataclass(frozen=True)
class Setting:
    """Images at once, CPU threads and the type of the numbers that a network is run with."""

    batch: int = 1
    threads: int = 1
    dtype: Dtype = "float32"

    def to_dict(self) -> Json:
        """Plain data for records and the cache."""
        return asdict(self)


@dataclass(frozen=True)
class Target:
    """A way of running networks on one kind of device.

    `prepare(network, images, setting)` makes an initialised network in evaluation mode ready to run on `images`
    `(batch, channels, height, width)` and returns its clock; it may move and change the network. `missing` returns why
    the target cannot run on this machine, or an empty text. `versions` names the packages whose versions its times
    depend on, `dtypes` the numbers it runs.
    """

    device: Literal["cpu", "cuda"]
    prepare: Callable[[nn.Module, Tensor, Setting], Clock]
    missing: Callable[[], str] = lambda: ""
    versions: tuple[str, ...] = ("torch",)
    dtypes: tuple[Dtype, ...] = ("float32", "bfloat16", "float16")


def cpu_clock(run: Callable[[], object], setting: Setting) -> Clock:
    """The clock of work that has finished when its call returns.

    One thread is timed by its own processor time, which other programs do not lengthen. Several threads wait for each
    other, so theirs is wall time.
    """
    now = time.thread_time if setting.threads == 1 else time.perf_counter

    def clock(count: int) -> float:
        start = now()
        for _ in range(count):
            run()
        return now() - start

    return clock


def event_clock(run: Callable[[], object]) -> Clock:
    """The clock of work on a CUDA device, told by the device's own events before the first run and after the last."""

    def clock(count: int) -> float:
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        for _ in range(count):
            run()
        end.record()
        end.synchronize()
        return float(start.elapsed_time(end)) / 1e3

    return clock


def moved(network: nn.Module, x: Tensor, device: str, setting: Setting) -> tuple[nn.Module, Tensor]:
    """Move network and images to a device, in the setting's type, channels last as convolutions like best."""
    dtype = getattr(torch, setting.dtype)
    network = network.to(device, dtype).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    x = x.to(device, dtype)
    return network, x.contiguous(memory_format=torch.channels_last) if x.ndim == 4 else x
