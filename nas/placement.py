"""Where a search's trials run, when the person leaves it open."""

import os
from dataclasses import replace

import torch

from nas.config import Budget, SearchConfig
from nas.device import choose_device
from nas.executors._base import Placement

LEAST_TRIALS, LEAST_SECONDS = 40, 180.0
"""The smallest budget that pays the start of Ray back, which takes 5 to 15 s."""

LEAST_CORES = 4
"""Fewer cores share one worker and Ray's own processes; there one worker is chosen, whose search repeats exactly."""


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
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if (budget.trials or LEAST_TRIALS) < LEAST_TRIALS or (budget.seconds or LEAST_SECONDS) < LEAST_SECONDS:
        return 1
    if share:
        return max(1, min(cores, int(torch.cuda.device_count() / share)))
    return cores if cores >= LEAST_CORES else 1
