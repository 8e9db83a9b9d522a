"""Measuring milliseconds: batch 1, after warm-up, the median with its spread."""

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn
from torch.utils.benchmark import Timer

from nas.architecture import Architecture
from nas.device import device_name


@dataclass(frozen=True)
class Latency:
    """A measurement in milliseconds: median and interquartile range of `runs` timed blocks, and where it was taken."""

    median: float
    iqr: float
    runs: int
    device: str
    threads: int
    batch: int = 1

    def to_dict(self) -> dict[str, Any]:
        """Plain data for records and JSON."""
        return asdict(self)


ROUNDS, STEADY = 4, 0.1  # measured again, up to this often, while the spread is above this share of the median


def measure(
    network: nn.Module,
    architecture: Architecture,
    device: torch.device,
    *,
    threads: int = 1,
    batch: int = 1,
    seconds: float = 0.25,
) -> Latency:
    """Time the network's forward pass in evaluation mode, after a warm-up, in rounds of about `seconds`.

    A wide spread means that something else ran beside it; then it is measured again. Since company can only add time,
    the round with the lowest median is kept.
    """
    was_training = network.training
    network.eval()
    x = torch.zeros(batch, architecture.channels, architecture.resolution, architecture.resolution, device=device)
    x = x.contiguous(memory_format=torch.channels_last)
    timer = Timer("with inference_mode(): network(x)", globals=_globals(network, x), num_threads=threads)
    timer.timeit(5)  # first calls allocate and choose kernels
    best = timer.blocked_autorange(min_run_time=seconds)
    for _ in range(ROUNDS - 1):
        if best.iqr <= STEADY * best.median:
            break
        best = min(best, timer.blocked_autorange(min_run_time=seconds), key=lambda timing: timing.median)
    network.train(was_training)
    return Latency(best.median * 1e3, best.iqr * 1e3, len(best.times), device_name(device), threads, batch)


def _globals(network: nn.Module, x: torch.Tensor) -> dict[str, Any]:
    return {"network": network, "x": x, "inference_mode": torch.inference_mode}
