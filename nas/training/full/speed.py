"""How a device trains fastest: in which precision, and a processor in how many threads, found by trying."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor
from torch.utils.benchmark import set_torch_threads

from nas.training.full.batches import Batches, step_of
from nas.training.full.group import Alone
from nas.training.full.recipe import FullRecipe
from nas.training.full.settings import TrainConfig
from nas.training.model import Model

IMAGES, STEPS = 32, 3  # of a trial, at most
GAIN = 0.9  # of the time, at which twice the threads are worth their cores


def autocast(recipe: FullRecipe, device: torch.device) -> torch.autocast:
    """Make the context in which a network computes: by "auto" in bfloat16 on a device that has units for it.

    With AMX a step takes .5 to .9 of its time in float32; AVX-512 alone gains a tenth at best.
    """
    units = device.type == "cuda" or (device.type == "cpu" and bool(torch.cpu.get_capabilities().get("amx_bf16")))
    half = recipe.precision == "bfloat16" or (recipe.precision == "auto" and units)
    return torch.autocast(device.type, torch.bfloat16, enabled=half)


def threads_of(config: TrainConfig, model: Model, batches: Batches, group: Alone, noted: Callable[[str], None]) -> int:
    """Return the threads that were asked for, or those in which a process that is alone on a processor is fastest."""
    most = torch.get_num_threads()
    if config.threads or group.count > 1 or batches.device.type != "cpu":
        return config.threads or most
    data = batches.dataset
    size, parts = step_of(config.recipe, len(data.train))
    images = torch.rand(min(max(size // parts, 2), IMAGES), data.channels, data.resolution, data.resolution)
    found = fastest_threads(model, images, autocast(config.recipe, batches.device))
    if found < most:
        noted(f"steps are fastest in {found} of {most} threads here, so the training takes {found}")
    return found


def fastest_threads(model: Model, images: Tensor, autocast: AbstractContextManager[Any]) -> int:
    """Find the fastest number of threads up to torch's own, doubled from one for as long as steps get faster.

    Threads spin while they wait for each other, so a small network gains little by a second one, and on a processor
    that other programs use too a step may take many times as long. Leaves the model as it is.
    """
    most = torch.get_num_threads()
    tried, best, least = deepcopy(model).eval(), 1, float("inf")  # in training a detector is shown targets
    with torch.random.fork_rng(devices=[]):
        for threads in (min(2**power, most) for power in range((most - 1).bit_length() + 1)):
            with set_torch_threads(threads):
                seconds = _seconds(tried, images, autocast, least)
            if seconds > GAIN * least:
                break
            best, least = threads, seconds
    return best


def _seconds(model: Model, images: Tensor, autocast: AbstractContextManager[Any], enough: float) -> float:
    """Measure some steps after a first one, or fewer once they have taken long enough."""

    def step() -> None:
        with autocast:
            answers = model(images)
        answers.float().sum().backward()

    step()
    start = time.perf_counter()
    for _ in range(STEPS):
        step()
        if time.perf_counter() - start > enough:
            break
    return time.perf_counter() - start
