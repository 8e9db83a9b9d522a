"""Targets, the ways of running shipped networks, each timed by its own clock.

A target is a `Target` in a file of this folder, named like the file, or one of several that `__all__` names.
"""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from nas.files import Json
from nas.registry import check_among

Device = Literal["cpu", "cuda"]
Dtype = Literal["float32", "float16", "bfloat16"]
Clock = Callable[[int], float]
"""Runs a network a number of times in a row and returns the seconds."""


@dataclass(frozen=True)
class Setting:
    """The images at once, CPU threads and type of numbers that a network runs with."""

    batch: int = 1
    threads: int = 1
    dtype: Dtype = "float32"

    def to_dict(self) -> Json:
        """Return plain data for records and the cache."""
        return asdict(self)


@dataclass(frozen=True)
class Target:
    """A way of running networks on one kind of device.

    `prepare(network, images, setting)` makes an initialised network in evaluation mode ready to run on `images`
    `(batch, channels, height, width)` and returns its clock; it may move and change the network. `missing` returns why
    the target cannot run on this machine, or an empty text. Times depend on the versions of the packages in `versions`;
    `dtypes` lists the types of numbers that the target runs.
    """

    device: Device
    prepare: Callable[[nn.Module, Tensor, Setting], Clock]
    missing: Callable[[], str] = lambda: ""
    versions: tuple[str, ...] = ("torch",)
    dtypes: tuple[Dtype, ...] = ("float32", "bfloat16", "float16")

    def __post_init__(self) -> None:
        check_among("device", self.device, get_args(Device))
        for dtype in self.dtypes:
            check_among("dtype", dtype, get_args(Dtype))


def cpu_clock(run: Callable[[], object], setting: Setting) -> Clock:
    """Make the clock of work that has finished when its call returns.

    One thread takes its own processor time, which other programs do not lengthen; several threads, which wait for each
    other, take wall time.
    """
    now = time.thread_time if setting.threads == 1 else time.perf_counter

    def clock(count: int) -> float:
        start = now()
        for _ in range(count):
            run()
        return now() - start

    return clock


def event_clock(run: Callable[[], object]) -> Clock:
    """Make the clock of work on a CUDA device, from its own events before the first run and after the last."""

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
    """Move network and images to a device, in the setting's type and channels last, fastest for convolutions."""
    dtype = getattr(torch, setting.dtype)
    network = network.to(device, dtype).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    x = x.to(device, dtype)
    return network, x.contiguous(memory_format=torch.channels_last) if x.ndim == 4 else x
