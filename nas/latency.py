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


def measure(
    network: nn.Module,
    architecture: Architecture,
    device: torch.device,
    *,
    threads: int = 1,
    batch: int = 1,
    seconds: float = 0.25,
) -> Latency:
    """Time the network's forward pass in evaluation mode for about `seconds` after a warm-up."""
    side = architecture.resolution
    was_training = network.training
    network.eval()
    x = torch.zeros(batch, architecture.channels, side, side, device=device)
    x = x.contiguous(memory_format=torch.channels_last)
    timer = Timer("with inference_mode(): network(x)", globals=_globals(network, x), num_threads=threads)
    timer.timeit(5)  # first calls allocate and choose kernels
    timing = timer.blocked_autorange(min_run_time=seconds)
    network.train(was_training)
    to_ms = 1e3
    return Latency(timing.median * to_ms, timing.iqr * to_ms, len(timing.times), device_name(device), threads, batch)


def _globals(network: nn.Module, x: torch.Tensor) -> dict[str, Any]:
    return {"network": network, "x": x, "inference_mode": torch.inference_mode}
