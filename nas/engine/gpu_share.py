"""Which part of a GPU a trial needs: measured with the largest network of the space, so that no trial runs short."""

import math
from dataclasses import dataclass, replace

import torch

from nas.config import SearchConfig
from nas.data._base import Dataset
from nas.network.architecture import Architecture
from nas.network.build import build
from nas.training.loop import Images, place, train

USABLE = 0.9  # of the GPU's memory; the rest is for what allocators waste and for the largest network's latency
MOST = 16  # trials on a GPU


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
        return measure(config, dataset, architecture).share()
    except torch.OutOfMemoryError:
        return 1.0


def measure(config: SearchConfig, dataset: Dataset, architecture: Architecture) -> Need:
    """Train one step and validate on this process's GPU. What other processes hold there counts as the trial's."""
    device = torch.device("cuda")
    images = place(dataset, device, side=architecture.resolution, subset=config.recipe.subset, seed=config.seed)
    network = build(architecture, drop_path=config.recipe.drop_path, seed=0)
    network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    train(network, _one_step(images, config.recipe.batch_size), config.recipe.model_copy(update={"epochs": 1}), seed=0)
    free, gpu = torch.cuda.mem_get_info(device)
    beside = gpu - free - torch.cuda.memory_reserved(device)
    return Need(torch.cuda.max_memory_reserved(device) + beside, gpu)


def _one_step(images: Images, batch_size: int) -> Images:
    """The same images in memory, of which an epoch takes one batch."""
    return replace(images, train_y=images.train_y[:batch_size])
