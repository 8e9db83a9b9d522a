"""Where a search's trials run, when the person leaves it open."""

import os
from dataclasses import replace

import torch

from nas.config import Budget, SearchConfig
from nas.device import choose_device
from nas.executors._base import Placement

WORTH_STARTING = Budget(trials=40, seconds=180.0)
"""The least budget with which Ray's start-up is paid back on the processor (benchmarks/scaling.py)."""


def choose_placement(config: SearchConfig) -> Placement:
    """The placement that a search's settings ask for; `auto` is resolved for this machine."""
    gpu = choose_device(config.device).type == "cuda" or (config.device != "cpu" and config.ray is not None)
    share = (1.0 if config.gpus_per_trial == "auto" else float(config.gpus_per_trial)) if gpu else 0.0
    placement = Placement(None, config.ray, share, config.trial_timeout)
    if config.workers != "auto":
        return replace(placement, workers=int(config.workers))
    return placement if config.ray else replace(placement, workers=_local_workers(config.budget, share))


def choose_executor(config: SearchConfig, placement: Placement) -> str:
    """One worker needs no Ray."""
    if config.executor != "auto":
        return config.executor
    return "local" if placement.workers == 1 and placement.ray is None else "ray_tune"


def _local_workers(budget: Budget, share: float) -> int:
    """One a core, or as many as the GPUs have parts; one where the budget does not pay Ray's start-up back."""
    cores = len(os.sched_getaffinity(0))
    small = (budget.trials or 1e9) < (WORTH_STARTING.trials or 0) or (budget.seconds or 1e9) < (
        WORTH_STARTING.seconds or 0
    )
    if small:
        return 1
    if share:
        return max(1, min(cores, int(torch.cuda.device_count() / share)))
    return cores
