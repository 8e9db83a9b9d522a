"""Choose where a search's trials run, and measure the part of a GPU that each takes."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import torch
from joblib import cpu_count

from nas.config import Budget, SearchConfig
from nas.costs.deployment import choose_device
from nas.costs.machine import shares_memory
from nas.costs.targets import Target
from nas.data import Dataset
from nas.engine.executors import Answer, Ask, Executor, Placement, Tell
from nas.errors import SettingError, told_as
from nas.evaluation.job import Prepare
from nas.network.architecture import Architecture
from nas.network.build import build
from nas.registry import EXECUTORS, OURS, TARGETS
from nas.training.catalogue import load_task
from nas.training.images import Images, load_images
from nas.training.loop import predict, train

LEAST_TRIALS, LEAST_SECONDS = 40, 180.0
"""The smallest budget that gets more than one worker.

Two workers on two cores ran 1.9 times the trials an hour and started 27 s later (benchmarks/RESULTS.md), which six
trials of the default search make up for. Below this budget little is gained, and one worker repeats exactly.
"""

USABLE = 0.9  # of the GPU's memory; allocators waste some, and measuring the largest network takes some
MOST = 16  # trials on a GPU


def choose_placement(config: SearchConfig, dataset: Dataset, largest: Architecture) -> Placement:
    """Return the placement that a search's settings ask for, with `auto` resolved for this machine.

    The part of a GPU that a trial needs is measured later, with the `largest` network, where the GPU is. Raises
    SettingError for a part of a GPU where trials run on the CPU, and for workers of the local executor.
    """
    if config.executor == "local" and (config.workers not in ("auto", 1) or config.ray):
        raise SettingError(f"executor: found local, which runs one trial at a time in this process, with "
                           f"{'ray' if config.ray else 'workers'}; leave one of them out")  # fmt: skip
    optional = config.device == "auto" and config.ray is not None
    placement = Placement(
        None,
        config.ray,
        trial_timeout=config.trial_timeout,
        gpu_optional=optional,
        times_cpu=_times_cpu(config),
    )
    on_gpu = config.device != "cpu" if config.ray else choose_device(config.device).type == "cuda"
    if on_gpu and config.gpus_per_trial == "auto":
        placement = replace(placement, gpus=1.0, gpu_share=partial(measured_share, config, dataset, largest))
    elif on_gpu:
        placement = replace(placement, gpus=float(config.gpus_per_trial))
    elif config.gpus_per_trial != "auto":
        raise SettingError(f"gpus_per_trial: found {config.gpus_per_trial}, but trials run on the CPU here; leave it "
                           "out, or train where a GPU is, such as on a cluster (--ray)")  # fmt: skip
    if config.workers != "auto":
        return replace(placement, workers=int(config.workers))
    if config.executor == "local":
        return replace(placement, workers=1)
    return placement if config.ray else replace(placement, workers=_local_workers(config.budget, on_gpu))


def _times_cpu(config: SearchConfig) -> bool:
    """Tell whether networks are timed on the processor even where they train on a GPU."""
    if config.target == "auto" or config.device_file:
        return False
    target: Target = TARGETS.get(config.target)
    return target.device == "cpu"


def choose_executor(config: SearchConfig, placement: Placement) -> str:
    """Return the executor's name. One worker needs no Ray."""
    if config.executor != "auto":
        return config.executor
    return "local" if placement.workers == 1 and placement.ray is None else "ray_tune"


def load_executor(name: str) -> Executor:
    """The executor called `name`. One from outside tells which of its methods failed."""
    found: Executor = EXECUTORS.get(name)
    return found if EXECUTORS.origin(name) == OURS else _Told(found, f"executor '{name}'")


@dataclass(frozen=True)
class _Told:
    found: Executor
    words: str

    def execute(self, ask: Ask, tell: Tell, prepare: Prepare, placement: Placement) -> None:
        with told_as(f"execute(ask, tell, prepare, placement) of {self.words}", lends=True):
            self.found.execute(ask, tell, prepare, placement)

    def there(self, look: Callable[[], Answer], placement: Placement) -> Answer:
        with told_as(f"there(look, placement) of {self.words}", lends=True):
            return self.found.there(look, placement)


def _local_workers(budget: Budget, on_gpu: bool) -> int | None:
    """Return one worker a core, None for as many as GPUs hold, or 1 where Ray cannot start or the budget is small."""
    if (budget.trials or LEAST_TRIALS) < LEAST_TRIALS or (budget.seconds or LEAST_SECONDS) < LEAST_SECONDS:
        return 1
    if not shares_memory():
        return 1
    if on_gpu:
        return None
    return int(cpu_count())  # within a container's quota


@dataclass(frozen=True)
class Need:
    """The bytes that a trial takes on a GPU, its CUDA context included, and those that the GPU has."""

    trial: int
    gpu: int

    def share(self) -> float:
        """Return 1/n of the GPU for the most trials n that fit, rounded down to the 1/10,000 that Ray counts in."""
        fitting = int(USABLE * self.gpu / self.trial)
        return math.floor(1e4 / min(max(fitting, 1), MOST)) / 1e4


def measured_share(config: SearchConfig, dataset: Dataset, architecture: Architecture) -> float:
    """Measure the part of this process's GPU that a trial of `architecture` needs, all of it if it does not fit."""
    try:
        return measure_need(config, dataset, architecture).share()
    except torch.OutOfMemoryError:
        return 1.0


def measure_need(config: SearchConfig, dataset: Dataset, architecture: Architecture) -> Need:
    """Train one step and validate on this process's GPU. The memory of other processes there counts as the trial's."""
    device, recipe = torch.device("cuda"), config.recipe
    images = load_images(dataset, device, side=architecture.resolution, subset=recipe.subset, seed=config.split)
    network = build(architecture, drop_path=recipe.drop_path, seed=0)
    network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    once = recipe.model_copy(update={"epochs": 1})
    train(network, _one_step(images, recipe.batch_size), once, load_task(config.task), seed=0)
    predict(network, images)
    free, gpu = torch.cuda.mem_get_info(device)
    beside = gpu - free - torch.cuda.memory_reserved(device)
    return Need(torch.cuda.max_memory_reserved(device) + beside, gpu)


def _one_step(images: Images, batch_size: int) -> Images:
    """Keep all images in memory, but let an epoch take one batch."""
    return replace(images, train_y=images.train_y[:batch_size])
