"""How many proxy trainings a GPU carries: images a second of several at once, each in a process of its own.

    python benchmarks/gpu_sharing.py --trials 1 2 4 8 16
    nvidia-cuda-mps-control -d && python benchmarks/gpu_sharing.py --trials 1 2 4 8 16

Each process trains random members of the space by the proxy's recipe, as the workers of a search do. Without NVIDIA's
Multi-Process Service their kernels take turns on the GPU, with it (second line) they run side by side. Busy is the
share of the time in which any kernel ran.
"""

import argparse
import time
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from nas.data import load
from nas.network.build import build
from nas.space.library import load_space
from nas.training.catalogue import load_task
from nas.training.images import load_images
from nas.training.loop import train
from nas.training.recipe import Recipe

WARM = 20  # steps before the clock starts


@dataclass(frozen=True)
class Asked:
    """What a benchmark was asked for."""

    data: str
    space: str
    trials: list[int]
    seconds: float
    batch_size: int


class OverError(Exception):
    """The time is over."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="cluttered_digits")
    parser.add_argument("--space", default="cvt_family")
    parser.add_argument("--trials", type=int, nargs="+", default=[1, 2, 4, 8, 16])
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--batch-size", type=int, default=16)
    asked = Asked(**vars(parser.parse_args()))
    load(asked.data)  # drawn once, then read from the cache folder
    context, most = get_context("spawn"), max(asked.trials)
    barrier, counts = context.Barrier(most + 1), context.Queue()
    workers = [context.Process(target=work, args=(i, asked, barrier, counts), daemon=True) for i in range(most)]
    for worker in workers:
        worker.start()
    title = f"torch {torch.__version__}, {torch.cuda.get_device_name()}, {asked.data}, batch {asked.batch_size}"
    table = Table("trainings at once", "images a second", "of one alone", "each", "GPU busy", title=title)
    alone = 0.0
    for trials in asked.trials:
        barrier.wait()
        busy = _busy(asked.seconds)
        rate = sum(counts.get() for _ in range(trials))
        alone = alone or rate / trials
        table.add_row(str(trials), f"{rate:,.0f}", f"{rate / alone:.2f}", f"{rate / trials:,.0f}", f"{busy:.0f} %")
    Console(width=100).print(table)


def work(number: int, asked: Asked, barrier: Barrier, counts: "Queue[float]") -> None:
    """Train in each round that has so many processes, and put the images a second."""
    torch.set_num_threads(1)
    dataset, task = load(asked.data), load_task("classification")
    images = load_images(dataset, torch.device("cuda"))
    shape = {"resolution": dataset.resolution, "channels": dataset.channels, "classes": len(dataset.classes)}
    space, rng = load_space(asked.space).fit(**shape), np.random.default_rng(number)
    recipe = Recipe(epochs=1000, batch_size=asked.batch_size)
    network = build(space.sample(rng)[1]).to("cuda", memory_format=torch.channels_last)  # type: ignore[call-overload]

    def steps(seconds: float, least: int = 0) -> float:
        taken, start = 0, time.perf_counter()

        def between() -> None:
            nonlocal taken
            taken += 1
            if taken % WARM == 0:
                torch.cuda.synchronize()
                if taken >= least and time.perf_counter() - start >= seconds:
                    raise OverError

        with suppress(OverError):
            train(network, images, recipe, task, number, between)
        return taken * asked.batch_size / (time.perf_counter() - start)

    steps(0, WARM)
    for trials in asked.trials:
        barrier.wait()
        if number < trials:
            counts.put(steps(asked.seconds))


def _busy(seconds: float) -> float:
    """Return the percentage of the time in which the GPU ran something, as it says itself."""
    readings, start = [], time.perf_counter()
    while time.perf_counter() - start < seconds:
        time.sleep(0.2)
        readings.append(torch.cuda.utilization())
    return float(np.mean(readings[len(readings) // 4 :]))


if __name__ == "__main__":
    main()
