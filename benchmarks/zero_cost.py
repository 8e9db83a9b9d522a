"""Do zero-cost scores rank networks as the proxy training does? Random architectures, each trained once and scored.

Prints, for each score, Kendall's tau and Spearman's rho with the trained accuracy and their 95 % bootstrap intervals,
and the milliseconds it takes beside those of a training, in the processor time of this one-threaded process, so that
company on the machine does no harm. Trained accuracies are kept in a file: an interrupted run goes on, and a new score
needs no new training.

    python benchmarks/zero_cost.py --architectures 100 --cache zero_cost.json
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table
from scipy.stats import kendalltau, spearmanr
from torch import nn

from nas import data as datasets
from nas import files
from nas.evaluation.evaluator import SCORED
from nas.evaluation.scoring import score
from nas.evaluation.zero_cost import Sample
from nas.network.architecture import Architecture
from nas.network.build import Network, build
from nas.registry import SCORES
from nas.space.library import load_space
from nas.space.space import SearchSpace
from nas.training.catalogue import load_task
from nas.training.images import Images, load_images
from nas.training.loop import predict, train
from nas.training.recipe import Recipe

RECIPE, TASK = Recipe(), load_task("classification")


def draw(space: SearchSpace, count: int) -> list[Architecture]:
    """So many different architectures of a space, the same each time."""
    rng = np.random.default_rng(0)
    drawn: dict[str, Architecture] = {}
    while len(drawn) < count:
        architecture = space.sample(rng)[1]
        drawn[architecture.key()] = architecture
    return list(drawn.values())


def trained(architectures: list[Architecture], images: Images, cache: Path) -> list[float]:
    """The accuracy of each architecture; what the file has is not trained again."""
    known: dict[str, float] = json.loads(cache.read_text()) if cache.is_file() else {}
    for architecture in track(architectures, "training"):
        if architecture.key() not in known:
            known[architecture.key()] = accuracy(architecture, images)
            files.write(cache, json.dumps(known, indent=1) + "\n")
    return [known[architecture.key()] for architecture in architectures]


def accuracy(architecture: Architecture, images: Images) -> float:
    """What one training comes to."""
    network = _network(architecture)
    train(network, images, RECIPE, TASK, seed=0)
    return TASK.metrics["accuracy"].compute(predict(network, images))


def scores_of(architecture: Architecture, images: Images, initial: str) -> dict[str, tuple[float, float]]:
    """Value and milliseconds of each score, on the images that a search would take."""
    network = _network(architecture)
    if initial == "fan-in":
        for module in network.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.normal_(module.weight, std=module.weight[0].numel() ** -0.5)
    chosen = torch.from_numpy(np.random.default_rng(0).permutation(len(images.train_y))[:SCORED])
    sample = Sample(images.normalise(images.train_x[chosen]), images.train_y[chosen], TASK.loss)
    scored = {}
    for name in SCORES.names():
        start = time.process_time()
        value = score(network, sample, [name])[name].value
        scored[name] = (value, 1e3 * (time.process_time() - start))
    return scored


def _network(architecture: Architecture) -> Network:
    return build(architecture, seed=0).to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def ranks(values: np.ndarray, accuracies: np.ndarray) -> list[str]:
    """Kendall's tau and Spearman's rho as text, each with the 95 % interval of 2,000 resamplings of the pairs."""
    rng = np.random.default_rng(0)
    drawn = [rng.integers(0, len(values), len(values)) for _ in range(2000)]
    texts = []
    for measure in (kendalltau, spearmanr):
        again = [measure(values[rows], accuracies[rows]).statistic for rows in drawn]
        low, high = np.quantile(again, [0.025, 0.975])
        texts.append(f"{measure(values, accuracies).statistic:+.2f} ({low:+.2f} to {high:+.2f})")
    return texts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--space", default="cvt_family")
    parser.add_argument("--data", default="cluttered_digits")
    parser.add_argument("--architectures", type=int, default=100)
    parser.add_argument("--timed", type=int, default=5, help="trainings that are timed beside the scores")
    parser.add_argument("--initial", choices=("paper", "fan-in"), default="paper", help="weights that are scored")
    parser.add_argument("--cache", type=Path, default=Path("zero_cost.json"))
    options = parser.parse_args()

    torch.set_num_threads(1)
    dataset = datasets.load(options.data)
    images = load_images(dataset, torch.device("cpu"))
    space = load_space(options.space).fit(
        resolution=dataset.resolution, channels=dataset.channels, classes=len(dataset.classes)
    )
    architectures = draw(space, options.architectures)
    accuracies = np.array(trained(architectures, images, options.cache))
    scored = [scores_of(a, images, options.initial) for a in track(architectures, "scoring")]
    timed = range(0, len(architectures), max(len(architectures) // options.timed, 1))
    seconds = [_seconds(architectures[i], images) for i in track(timed, "timing")]

    table = Table("score", "Kendall tau", "Spearman rho", "ms", "of a training", title=f"{len(scored)} architectures")
    for name in SCORES.names():
        values = np.array([by_name[name][0] for by_name in scored])
        ms = [by_name[name][1] for by_name in scored]
        share = np.median([ms[i] / 1e3 / s for i, s in zip(timed, seconds, strict=True)])
        defined = np.where(np.isfinite(values), values, -np.inf)
        table.add_row(name, *ranks(defined, accuracies), f"{np.median(ms):.1f}", f"{share:.2%}")
    console = Console(width=140)
    console.print(table)
    console.print(
        f"accuracy {accuracies.min():.3f} to {accuracies.max():.3f}, median {np.median(accuracies):.3f}; "
        f"a training takes {np.median(seconds):.2f} s; {SCORED} images a score, {options.initial} initial weights"
    )


def _seconds(architecture: Architecture, images: Images) -> float:
    start = time.process_time()
    accuracy(architecture, images)
    return time.process_time() - start


if __name__ == "__main__":
    main()
