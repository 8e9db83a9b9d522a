"""Where a search's trials run, when the person leaves it open, and the part of a GPU that each takes."""

import math
from dataclasses import dataclass, replace
from functools import partial

import torch
from joblib import cpu_count

from nas.config import Budget, SearchConfig
from nas.costs.deployment import choose_device
from nas.data import Dataset
from nas.engine.executors import Placement
from nas.network.architecture import Architecture
from nas.network.build import build
from nas.training.catalogue import load_task
from nas.training.images import Images, load_images
from nas.training.loop import predict, train

LEAST_TRIALS, LEAST_SECONDS = 40, 180.0
"""The smallest budget that gets more than one worker.

Two workers on two cores had 1.9 times the trials an hour and started 27 s later (benchmarks/RESULTS.md), which six
trials of the default search pay back; below this budget little is to be won, and one worker repeats exactly.
"""

USABLE = 0.9  # of the GPU's memory; the rest is for what allocators waste and for the largest network's latency
MOST = 16  # trials on a GPU


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
    """The executor's name: one worker needs no Ray."""
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


@dataclass(frozen=True)
class Need:
    """Bytes that a trial takes on a GPU, its CUDA context included, and that the GPU has."""

    trial: int
    gpu: int

    def share(self) -> float:
        """One n-th of the GPU for the largest n that fits, rounded down to the 1/10,000 that Ray counts in."""
        fitting = int(USABLE * self.gpu / self.trial)
        return math.floor(1e4 / min(max(fitting, 1), MOST)) / 1e4


def measured_share(config: SearchConfig, dataset: Dataset, architecture: Architecture) -> float:
    """The part of this process's GPU that a trial of `architecture` needs; all of it where it does not even fit."""
    try:
        return measure_need(config, dataset, architecture).share()
    except torch.OutOfMemoryError:
        return 1.0


def measure_need(config: SearchConfig, dataset: Dataset, architecture: Architecture) -> Need:
    """Train one step and validate on this process's GPU; memory of other processes there counts as the trial's."""
    device, recipe = torch.device("cuda"), config.recipe
    images = load_images(dataset, device, side=architecture.resolution, subset=recipe.subset, seed=config.seed)
    network = build(architecture, drop_path=recipe.drop_path, seed=0)
    network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    once = recipe.model_copy(update={"epochs": 1})
    train(network, _one_step(images, recipe.batch_size), once, load_task(config.task), seed=0)
    predict(network, images)
    free, gpu = torch.cuda.mem_get_info(device)
    beside = gpu - free - torch.cuda.memory_reserved(device)
    return Need(torch.cuda.max_memory_reserved(device) + beside, gpu)


def _one_step(images: Images, batch_size: int) -> Images:
    """The same images in memory, of which an epoch takes one batch."""
    return replace(images, train_y=images.train_y[:batch_size])
