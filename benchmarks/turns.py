"""How far a neighbour that trains moves a latency reading, with turns and without.

One process trains without pause. Each network is timed in rounds: with the neighbour stopped, beside it, and beside it
while it stands still for us; alternating, so that other programs disturb all three alike. The truth is the lowest of a
network's readings with the neighbour stopped, since company can only add time.

    python benchmarks/turns.py --networks 12 --rounds 3
"""

import argparse
import multiprocessing
import os
import signal
from multiprocessing.synchronize import Event

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from nas import data as datasets
from nas.costs.latency.measure import measure
from nas.costs.turns import Turns
from nas.network.architecture import Architecture
from nas.network.build import Network, build
from nas.space.library import load_space
from nas.training.catalogue import load_task
from nas.training.images import load_images
from nas.training.loop import train
from nas.training.recipe import Recipe

CPU = torch.device("cpu")


def neighbour(turns_at: str, ready: Event) -> None:
    """Train one network after the other, for ever."""
    torch.set_num_threads(1)
    dataset = datasets.load("cluttered_digits")
    space = load_space("cvt_family").fit(resolution=dataset.resolution, channels=1, classes=10)
    images, rng, turns = load_images(dataset, CPU), np.random.default_rng(1), Turns(turns_at)
    task = load_task("classification")
    while True:
        network = build(space.sample(rng)[1], seed=0).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        with turns.working():
            ready.set()
            train(network, images, Recipe(), task, 0, turns.give_way)


def reading(network: Network, turns: Turns) -> float:
    """Milliseconds, measured as a worker measures."""
    with turns.working(), turns.measuring():
        return measure(network).median


def rounds(architecture: Architecture, count: int, place_name: str, process: int) -> dict[str, list[float]]:
    """The readings of one network by what the neighbour did."""
    network = build(architecture, seed=0).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    found: dict[str, list[float]] = {"stopped": [], "trains": [], "trains, with turns": []}
    for number in range(count):
        for name in list(found)[:: 1 if number % 2 else -1]:
            os.kill(process, signal.SIGSTOP if name == "stopped" else signal.SIGCONT)
            turns = Turns(place_name if name == "trains, with turns" else None)
            found[name].append(reading(network, turns))
    os.kill(process, signal.SIGCONT)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    space = load_space("cvt_family").fit(resolution=32, channels=1, classes=10)
    rng, place_name, load = np.random.default_rng(0), f"benchmark-{os.getpid()}", os.getloadavg()[0]
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    process = context.Process(target=neighbour, args=(place_name, ready), daemon=True)
    process.start()
    ready.wait()
    deviations: dict[str, list[float]] = {}
    for _ in range(options.networks):
        found = rounds(space.sample(rng)[1], options.rounds, place_name, process.pid or 0)
        for name, readings in found.items():
            deviations.setdefault(name, []).extend(abs(r / min(found["stopped"]) - 1) for r in readings)
    process.kill()
    table = Table("the neighbour", "median deviation", "90th percentile", title=f"load before {load:.1f}")
    for name, values in deviations.items():
        table.add_row(name, f"{np.median(values):.1%}", f"{np.quantile(values, 0.9):.1%}")
    Console().print(table)


if __name__ == "__main__":
    main()
