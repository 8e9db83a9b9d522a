"""Does the proxy training tell architectures apart? Random architectures, several seeds each.

Prints each architecture's accuracy by seed, and the intraclass correlation ICC(1,1) (Shrout and Fleiss, 1979): the
share of the variance that lies between architectures, not between seeds of one.

    python benchmarks/proxy_reliability.py --data cluttered_digits --architectures 24 --seeds 3
"""

import argparse
import time

import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table

from nas import data as datasets
from nas.costs.counts import cost
from nas.costs.deployment import choose_device
from nas.network.build import build
from nas.space.library import load_space
from nas.training.catalogue import load_task
from nas.training.images import load_images
from nas.training.loop import predict, train
from nas.training.recipe import Recipe


def intraclass(scores: np.ndarray) -> float:
    """ICC(1,1) of scores `(architectures, seeds)` from the one-way analysis of variance."""
    seeds = scores.shape[1]
    between = seeds * scores.mean(axis=1).var(ddof=1)
    within = scores.var(axis=1, ddof=1).mean()
    return float((between - within) / (between + (seeds - 1) * within))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--space", default="cvt_family")
    parser.add_argument("--data", default="cluttered_digits")
    parser.add_argument("--architectures", type=int, default=24)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--resolution", type=int)
    for name, field in Recipe.model_fields.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(field.default or 0), default=field.default)
    options = parser.parse_args()
    recipe = Recipe(**{name: getattr(options, name) for name in Recipe.model_fields})

    torch.set_num_threads(1)
    dataset = datasets.load(options.data, resolution=options.resolution)
    images, task = load_images(dataset, choose_device("auto"), subset=recipe.subset), load_task("classification")
    space = load_space(options.space).fit(
        resolution=dataset.resolution, channels=dataset.channels, classes=len(dataset.classes)
    )
    rng = np.random.default_rng(0)
    architectures = [space.sample(rng)[1] for _ in range(options.architectures)]
    table = Table("layout", "stem", "MMACs", "params", "accuracy by seed", "mean", "s a training", title=options.data)
    scores = np.zeros((len(architectures), options.seeds))
    seconds = np.zeros_like(scores)
    for i, architecture in enumerate(track(architectures)):
        for seed in range(options.seeds):
            network = build(architecture, seed=seed).to(images.train_x.device, memory_format=torch.channels_last)
            start = time.perf_counter()
            train(network, images, recipe, task, seed)
            scores[i, seed] = task.metrics["accuracy"].compute(predict(network, images))
            seconds[i, seed] = time.perf_counter() - start
        known = cost(architecture)
        table.add_row(
            architecture.layout(),
            architecture.stem.kind,
            f"{known.macs / 1e6:.2f}",
            f"{known.params:,}",
            " ".join(f"{score:.3f}" for score in scores[i]),
            f"{scores[i].mean():.3f}",
            f"{seconds[i].mean():.1f}",
        )
    console = Console(width=140)
    console.print(table)
    deviation = np.sqrt(scores.var(axis=1, ddof=1).mean()) if options.seeds > 1 else float("nan")
    console.print(
        f"between architectures {scores.mean(axis=1).std(ddof=1):.3f}, between seeds {deviation:.3f}, "
        f"[bold]ICC {intraclass(scores):.3f}[/]; best mean {scores.mean(axis=1).max():.3f}; "
        f"{seconds.mean():.2f} s a training (median {np.median(seconds):.2f})"
    )


if __name__ == "__main__":
    main()
