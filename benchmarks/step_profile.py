"""What a step of the proxy training spends its time on: convolution, norms, activations, ..., by PyTorch's profiler.

    python benchmarks/step_profile.py --layouts C-C-C-C,M-M-M-M,C-M-A-T

A layout names the block of each stage as in layouts.py, widths stretched to about `--macs`. Shares are of the time in
PyTorch's operators, without what Python and their dispatch add.
"""

import argparse
import time
from collections import Counter

import torch
from layouts import matched
from rich.console import Console
from rich.table import Table
from torch.profiler import ProfilerActivity, profile

from nas.data import load
from nas.network.build import build
from nas.training.catalogue import load_task
from nas.training.images import augment, load_images
from nas.training.loop import train
from nas.training.recipe import Recipe

STEPS = 40
WORK = {
    "convolution": ("conv",),
    "norm": ("batch_norm", "layer_norm"),
    "matrix products, softmax": ("mm", "softmax", "attention"),
    "activation": ("gelu", "threshold", "relu", "silu", "sigmoid"),
    "optimiser, gradient's norm": ("adam", "foreach", "vector_norm"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="cluttered_digits")
    parser.add_argument("--layouts", default="C-C-C-C,M-M-M-M,C-M-A-T")
    parser.add_argument("--macs", type=float, default=11e6)
    given = parser.parse_args()
    torch.set_num_threads(1)
    layouts = given.layouts.split(",")
    columns = [profiled(layout, given) for layout in layouts]
    table = Table("", *layouts, title=f"a step on {given.data}, torch {torch.__version__}, one thread")
    for name in columns[0]:
        table.add_row(name, *(column[name] for column in columns))
    Console(width=100).print(table)


def profiled(layout: str, given: argparse.Namespace) -> dict[str, str]:
    """Time a layout's steps, and share out the time of their operators."""
    dataset, task = load(given.data), load_task("classification")
    recipe = Recipe(epochs=1)
    recipe = recipe.model_copy(update={"subset": STEPS * recipe.batch_size})
    images = load_images(dataset, torch.device("cpu"), subset=recipe.subset)
    network = build(matched(layout, given.macs, dataset)).to(memory_format=torch.channels_last)

    def steps() -> float:
        start = time.perf_counter()
        train(network, images, recipe, task, 0)
        return 1e3 * (time.perf_counter() - start) / STEPS

    steps()
    whole = min(steps() for _ in range(3))
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        steps()
    spent: Counter[str] = Counter()
    for event in profiler.key_averages():
        if event.key.startswith("aten::"):
            spent[_work(event.key)] += event.self_cpu_time_total
    x, generator = images.normalise(images.train_x[: recipe.batch_size]), torch.Generator()
    start = time.perf_counter()
    for _ in range(STEPS):
        augment(x, images.train_y[: recipe.batch_size], recipe, images.mirror, generator)
    augmented = 1e3 * (time.perf_counter() - start) / STEPS
    shares = {name: f"{spent[name] / spent.total():.0%}" for name in (*WORK, "other")}
    return {"ms": f"{whole:.1f}"} | shares | {"augmentation, of the step": f"{augmented / whole:.1%}"}


def _work(operator: str) -> str:
    for name, parts in WORK.items():
        if any(part in operator for part in parts):
            return name
    return "other"


if __name__ == "__main__":
    main()
