"""What a target is, and how its runs are timed."""

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

Dtype = Literal["float32", "float16", "bfloat16"]
Clock = Callable[[int], float]
"""Runs a network so many times, one after another, and gives the seconds that took."""


@dataclass(frozen=True)
class Setting:
    """How a network is run: images at once, CPU threads, and the type of its numbers."""

    batch: int = 1
    threads: int = 1
    dtype: Dtype = "float32"

    def to_dict(self) -> dict[str, Any]:
        """Plain data for records and the cache."""
        return asdict(self)


@dataclass(frozen=True)
class Target:
    """A way of running networks, found by its file's name.

    `prepare(network, images, setting)` makes an initialised network in evaluation mode ready to run on `images`
    `(batch, channels, height, width)` and gives its clock. `missing` says in words why the target cannot run here, or
    gives an empty text; `versions` names the packages whose versions its times depend on.
    """

    device: Literal["cpu", "cuda"]
    prepare: Callable[[nn.Module, Tensor, Setting], Clock]
    missing: Callable[[], str] = lambda: ""
    versions: tuple[str, ...] = ("torch",)
    dtypes: tuple[Dtype, ...] = ("float32", "bfloat16", "float16")


def cpu_clock(run: Callable[[], object], setting: Setting) -> Clock:
    """The clock of what has finished when it returns.

    What runs in one thread is timed by the processor time of that thread, which is what its run takes on a processor
    of its own, whoever else wants the processor now; several threads wait for each other, so theirs is the wall's time.
    """
    now = time.thread_time if setting.threads == 1 else time.perf_counter

    def clock(count: int) -> float:
        start = now()
        for _ in range(count):
            run()
        return now() - start

    return clock


def event_clock(run: Callable[[], object]) -> Clock:
    """The clock of what runs on a CUDA device: the device's own events before the first run and after the last."""

    def clock(count: int) -> float:
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        for _ in range(count):
            run()
        end.record()
        end.synchronize()
        return float(start.elapsed_time(end)) / 1e3

    return clock


def placed(network: nn.Module, x: Tensor, device: str, setting: Setting) -> tuple[nn.Module, Tensor]:
    """Network and images on the device, in the setting's type, channels last: what torch's convolutions like best."""
    dtype = getattr(torch, setting.dtype)
    moved = network.to(device, dtype).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    x = x.to(device, dtype)
    return moved, x.contiguous(memory_format=torch.channels_last) if x.ndim == 4 else x


def compiled(network: nn.Module) -> Callable[[Tensor], Tensor]:
    """The network under torch.compile, in a function with a code object of its own.

    Dynamo keeps its programs by code object, and after some networks in one would silently run the next ones eagerly.
    """

    def run(x: Tensor) -> Tensor:
        scores: Tensor = network(x)
        return scores

    run.__code__ = run.__code__.replace()
    program: Callable[[Tensor], Tensor] = torch.compile(run, dynamic=False)
    return program


def no_cuda() -> str:
    """Why a CUDA target cannot run here."""
    return "" if torch.cuda.is_available() else "torch sees no CUDA device here"


def no_compiler() -> str:
    """Why torch.compile cannot make programs for this machine's processor."""
    known = [os.environ.get("CXX", "c++"), "g++", "clang++"]
    return "" if any(map(shutil.which, known)) else "torch.compile needs a C++ compiler here, such as g++ or clang++"
