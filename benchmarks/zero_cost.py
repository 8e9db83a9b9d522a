"""Do zero-cost scores rank networks as the proxy training does? Random architectures, each trained once and scored.

Prints, for each score, Kendall's tau and Spearman's rho with the trained accuracy and their 95 % bootstrap intervals,
and the milliseconds that it takes beside those of the training. Trained accuracies are kept in a file, so that an
interrupted run goes on and a new score needs no new training.

    python benchmarks/zero_cost.py --architectures 100 --cache zero_cost.json
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
from rich.progress import track

from nas import data as datasets
from nas import document
from nas.architecture import Architecture
from nas.config import Recipe
from nas.grammar import load_space
from nas.network import build
from nas.space import SearchSpace
from nas.training import Images, place, train

RECIPE = Recipe()


def draw(space: SearchSpace, count: int) -> list[Architecture]:
    """So many different architectures of a space, the same each time."""
    rng = np.random.default_rng(0)
    drawn: dict[str, Architecture] = {}
    while len(drawn) < count:
        architecture = space.sample(rng)[1]
        drawn[architecture.key()] = architecture
    return list(drawn.values())


def trained(architectures: list[Architecture], images: Images, cache: Path) -> dict[str, dict[str, float]]:
    """Accuracy and seconds of each architecture by its key; what the file has is not trained again."""
    known: dict[str, dict[str, float]] = json.loads(cache.read_text()) if cache.is_file() else {}
    for architecture in track(architectures, "training"):
        if architecture.key() in known:
            continue
        network = build(architecture, seed=0).to(images.train_x.device, memory_format=torch.channels_last)
        start = time.perf_counter()
        accuracy = train(network, images, RECIPE, seed=0).accuracy
        known[architecture.key()] = {"accuracy": accuracy, "seconds": time.perf_counter() - start}
        document.write(cache, json.dumps(known, indent=1))
    return known


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--space", default="cvt_family")
    parser.add_argument("--data", default="cluttered_digits")
    parser.add_argument("--architectures", type=int, default=100)
    parser.add_argument("--cache", type=Path, default=Path("zero_cost.json"))
    options = parser.parse_args()

    torch.set_num_threads(1)
    dataset = datasets.load(options.data)
    images = place(dataset, torch.device("cpu"))
    space = load_space(options.space).fit(
        resolution=dataset.resolution, channels=dataset.channels, classes=len(dataset.classes)
    )
    architectures = draw(space, options.architectures)
    known = trained(architectures, images, options.cache)
    print(len(known))


if __name__ == "__main__":
    main()
