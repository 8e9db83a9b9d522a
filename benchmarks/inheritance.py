"""Does a child that begins with its parent's weights rank better than one from scratch, for the same training?

    python benchmarks/inheritance.py --data cluttered_digits --parents 10 --children 4
    python benchmarks/inheritance.py --data cifar10:DIR --subset 4000

Parents are networks of the space, one in two of them the best of its cost among four that were tried, as those are
that a search breeds from. Each is trained by the proxy. A child differs from its parent in one or two decisions, and is
trained by the same recipe three times: from scratch, from scratch with another seed, and from the parent's weights
where they fit: those of one name, as far as their shapes agree; then its statistics of BatchNorm are measured again.
`--longer` times that training, from scratch with `--truths` seeds, is the truth. Prints Kendall's tau with it, over all
children and among their best quarter, and by how much inheritance leads, with intervals by bootstrap over parents,
whose children fare alike. Trainings are lines of `--out`; those that are there are not done again.
"""

import argparse
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import kendalltau
from torch import nn
from torch.optim.swa_utils import update_bn

import nas
from nas.costs.counts import cost
from nas.data import load
from nas.network.architecture import Architecture
from nas.network.build import build
from nas.network.layers.initialise import scaled
from nas.space.space import Decisions, SearchSpace
from nas.training.catalogue import load_task
from nas.training.images import Images, load_images
from nas.training.loop import predict, train
from nas.training.recipe import Recipe

TRIED = 4  # networks of about one cost, of which the best becomes a parent
DRAWS = 2000
Weights = Mapping[str, torch.Tensor]
Ways = dict[str, np.ndarray]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--space", default="cvt_family")
    parser.add_argument("--data", default="cluttered_digits")
    parser.add_argument("--subset", type=int)
    parser.add_argument("--parents", type=int, default=10)
    parser.add_argument("--children", type=int, default=4, help="of each parent")
    parser.add_argument("--longer", type=int, default=8, help="times the proxy's training, for the truth")
    parser.add_argument("--truths", type=int, default=2, help="seeds of the truth")
    parser.add_argument("--out", type=Path, default=Path("inheritance"))
    given = parser.parse_args()
    torch.set_num_threads(1)
    given.out.mkdir(parents=True, exist_ok=True)
    dataset = load(given.data)
    images = load_images(dataset, torch.device("cpu"), subset=given.subset)
    space = nas.load_space(given.space).fit(
        resolution=dataset.resolution, channels=dataset.channels, classes=len(dataset.classes)
    )
    trainings = Trainings(images, given.out / "trainings.jsonl")
    families = list(born(space, trainings, given))
    ways = {way: np.array([[row[way] for row in family] for family in families]) for way in families[0][0]}
    print(f"\n{given.parents * given.children} children, truth: {given.truths} trainings {given.longer} times as long")
    report(ways)


class Trainings:
    """Trains networks, and keeps what they came to in the lines of a file and their weights beside it."""

    def __init__(self, images: Images, path: Path) -> None:
        self.images, self.path = images, path
        lines = path.read_text().splitlines() if path.exists() else []
        self.known: dict[str, float] = {line["what"]: line["accuracy"] for line in map(json.loads, lines)}

    def __call__(self, network: Architecture, seed: int, epochs: int = 1, like: Architecture | None = None) -> float:
        """Return the accuracy of a training, from the weights of a network `like` it where one is given."""
        what = f"{network.key()} {seed} {epochs}" + (f" like {like.key()}" if like else "")
        if what not in self.known:
            self.known[what], module = self._train(network, seed, epochs, self.weights(like) if like else None)
            if (seed, epochs, like) == (0, 1, None):
                torch.save(module.state_dict(), self._file(network))
            with self.path.open("a") as file:
                file.write(json.dumps({"what": what, "accuracy": self.known[what]}) + "\n")
        return self.known[what]

    def weights(self, network: Architecture) -> Weights:
        """Return the weights of a network that was trained by the proxy."""
        self(network, 0)
        return torch.load(self._file(network), weights_only=True)

    def _file(self, network: Architecture) -> Path:
        return self.path.with_name(f"{network.key()}.pt")

    def _train(self, network: Architecture, seed: int, epochs: int, weights: Weights | None) -> tuple[float, nn.Module]:
        task, module = load_task("classification"), build(network, seed=seed)
        module.to(memory_format=torch.channels_last)
        if weights:
            torch.manual_seed(seed)  # as `train` does before it scales
            inherit(module, weights)
        train(module, self.images, Recipe(initial="paper" if weights else "scaled"), task, seed, epochs=epochs)
        if weights:
            update_bn(map(self.images.normalise, torch.split(self.images.train_x, 250)), module)
        return float(task.metrics["accuracy"].compute(predict(module, self.images))), module


def inherit(network: nn.Module, weights: Weights) -> None:
    """Give a network, scaled as the proxy's begin, other weights wherever names and shapes agree."""
    scaled(network)
    for name, ours in network.state_dict().items():
        theirs = weights.get(name)
        if theirs is not None and theirs.ndim == ours.ndim:
            part = tuple(slice(min(a, b)) for a, b in zip(ours.shape, theirs.shape, strict=True))
            ours[part] = theirs[part]


def born(space: SearchSpace, trainings: Trainings, given: argparse.Namespace) -> Iterator[list[dict[str, Any]]]:
    """Yield, by parent, what its children come to by each way of training."""
    rng = np.random.default_rng(0)
    for number in range(given.parents):
        decisions, parent = chosen(space, trainings, rng, TRIED if number % 2 else 1)
        own: list[dict[str, Any]] = []
        seen = {parent.key()}
        while len(own) < given.children:
            child = mutated(space, decisions, rng)
            if child.key() in seen:
                continue
            seen.add(child.key())
            truth = np.mean([trainings(child, seed, given.longer) for seed in range(10, 10 + given.truths)])
            scratch, again = trainings(child, 1), trainings(child, 2)
            inherited = trainings(child, 1, like=parent)
            own.append({"truth": truth, "from scratch": scratch, "from scratch, another seed": again,
                        "inherited": inherited, "the parent's": trainings(parent, 0),
                        "multiply-adds": cost(child).macs})  # fmt: skip
            said = ", ".join(f"{way} {value:.3f}" for way, value in own[-1].items() if way != "multiply-adds")
            print(f"{number} {parent.layout()} -> {child.layout()} {child.depths()}: {said}", flush=True)
        yield own


def chosen(space: SearchSpace, trainings: Trainings, rng: np.random.Generator, tried: int) -> tuple[Decisions, Any]:
    """Draw networks of about one cost and return the best by the proxy."""
    drawn = sorted((space.sample(rng) for _ in range(10 * tried)), key=lambda one: cost(one[1]).macs)
    first = int(rng.integers(len(drawn) - tried + 1))
    return max(drawn[first : first + tried], key=lambda one: trainings(one[1], 0))


def mutated(space: SearchSpace, decisions: Decisions, rng: np.random.Generator) -> Architecture:
    """Redraw one or two decisions, and those that only arise thereby."""
    redrawn = rng.choice(sorted(decisions), size=int(rng.integers(1, 3)), replace=False)

    def choose(name: str, values: tuple) -> Any:
        kept = name in decisions and name not in redrawn and decisions[name] in values
        return decisions[name] if kept else values[int(rng.integers(len(values)))]

    return space.decide(choose)


def report(ways: Ways) -> None:
    """Print how each way ranks the children, and the lead of inheritance."""
    truth = ways.pop("truth")
    print(f"Truth from {truth.min():.3f} to {truth.max():.3f}\n")
    print("| | mean | tau, all | tau, best quarter |\n|---|---|---|---|")
    every = {way: draws(values, truth, best=False) for way, values in ways.items()}
    best = {way: draws(values, truth, best=True) for way, values in ways.items()}
    for way, values in ways.items():
        mean = f"{values.mean():.3f}" if values.max() <= 1 else ""
        print(f"| {way} | {mean} | {words(every[way])} | {words(best[way])} |")
    for title, found in (("all", every), ("best quarter", best)):
        lead = found["inherited"] - found["from scratch"]
        print(f"Lead of inheritance in tau, {title}: {words(lead)}")


def draws(values: np.ndarray, truth: np.ndarray, best: bool) -> np.ndarray:
    """Kendall's tau as found, and with parents drawn again."""
    rng = np.random.default_rng(0)
    rows = [np.arange(len(truth))] + [rng.integers(len(truth), size=len(truth)) for _ in range(DRAWS)]
    return np.array([tau(values[own].ravel(), truth[own].ravel(), best) for own in rows])


def tau(values: np.ndarray, truth: np.ndarray, best: bool) -> float:
    at = np.argsort(-truth, kind="stable")[: max(len(truth) // 4, 2)] if best else np.arange(len(truth))
    return float(kendalltau(values[at], truth[at]).statistic)


def words(found: np.ndarray) -> str:
    low, high = np.nanquantile(found[1:], [0.025, 0.975])
    return f"{found[0]:.2f} ({low:.2f} to {high:.2f})"


if __name__ == "__main__":
    main()
