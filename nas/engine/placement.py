"""Where a search's trials run, when the person leaves it open."""

from dataclasses import replace
from functools import partial

from joblib import cpu_count

from nas.config import Budget, SearchConfig
from nas.costs.device import choose_device
from nas.data._base import Dataset
from nas.engine.gpu_share import measured_share
from nas.evaluation.job import Placement
from nas.network.architecture import Architecture

LEAST_TRIALS, LEAST_SECONDS = 40, 180.0
"""The smallest budget that gets more than one worker.

Two workers on two cores had 1.9 times the trials an hour and started 27 s later (benchmarks/RESULTS.md), which six
trials of the default search pay back; below this budget little is to be won, and one worker repeats exactly.
"""


def choose_placement(config: SearchConfig, dataset: Dataset, largest: Architecture) -> Placement:
    """The placement that a search's settings ask for; `auto` is resolved for this machine.

    The part of a GPU that a trial needs is measured later, with the `largest` network, where the GPU is.
    """
    optional = config.device == "auto" and config.ray is not None
    placement = Placement(None, config.ray, trial_timeout=config.trial_timeout, gpu_optional=optional)
    on_gpu = config.device != "cpu" if config.ray else choose_device(config.device).type == "cuda"
    if on_gpu and config.gpus_per_trial == "auto":
        placement = replace(placement, gpus=1.0, gpu_share=partial(measured_share, config, dataset, largest))
    elif on_gpu:
        placement = replace(placement, gpus=float(config.gpus_per_trial))
    if config.workers != "auto":
        return replace(placement, workers=int(config.workers))
    return placement if config.ray else replace(placement, workers=_local_workers(config.budget, on_gpu))


def choose_executor(config: SearchConfig, placement: Placement) -> str:
    """One worker needs no Ray."""
    if config.executor != "auto":
        return config.executor
    return "local" if placement.workers == 1 and placement.ray is None else "ray_tune"


def _local_workers(budget: Budget, on_gpu: bool) -> int | None:
    """One a core, or as many as the GPUs have room for; one where the budget does not pay Ray's start-up back."""
    if (budget.trials or LEAST_TRIALS) < LEAST_TRIALS or (budget.seconds or LEAST_SECONDS) < LEAST_SECONDS:
        return 1
    if on_gpu:
        return None
    return int(cpu_count())  # those of a container's quota, where there is one
