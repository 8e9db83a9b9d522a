"""A small DETR beside a small anchor-free convolutional detector on few real photographs, for the same time.

    python benchmarks/detection/blood_cells.py --data voc:BCCD --minutes 20

Both have the stem and stages of `blood_detr.yaml`, see the same images, mirrored and cropped alike, and are judged by
the epoch that was best on the validation part. The DETR is trained by `nas train`; `--backbone` names a training whose
stem and stages it begins with. The other is CenterNet (centernet.py), trained by the loop below.
"""

import argparse
import copy
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from centernet import CenterNet, loss

import nas
from nas.costs.counts import cost
from nas.data import Dataset, load
from nas.document import read
from nas.engine.train import go_on
from nas.network.architecture import Architecture
from nas.record.trained import Trained
from nas.space.library import load_architecture
from nas.training.catalogue import load_task
from nas.training.full.batches import Batches
from nas.training.full.loop import Trainer
from nas.training.full.recipe import FullRecipe, load_recipe
from nas.training.full.verdict import Measured, judge
from nas.training.model import Model

WIDTH = 64  # of CenterNet's neck, as the DETR's
METRICS = ("map", "map50")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--network", type=Path, default=Path(__file__).parent / "blood_detr.yaml")
    parser.add_argument("--resolution", type=int, default=160)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=["detr", "centernet"])
    parser.add_argument("--backbone")
    parser.add_argument("--out", type=Path, default=Path("blood_cells"))
    given = parser.parse_args()
    torch.set_num_threads(1)
    dataset = load(given.data, seed=given.seed, resolution=given.resolution)
    network = network_of(given, dataset)
    print("| detector | parameters | epochs | mAP | mAP@50 |\n|---|---|---|---|---|", flush=True)
    if given.only != "centernet":
        trained = train_detr(network, given)
        verdict = trained.ending.verdict
        show("DETR", cost(network).params, len(trained.history), verdict.metrics)
    if given.only != "detr":
        trainer = train_centernet(network, dataset, given)
        parameters = sum(p.numel() for p in trainer.model.network.parameters())
        verdict = judge(load_task("detection"), trainer.answers(dataset.test), given.seed)
        show("CenterNet", parameters, len(trainer.progress.history), verdict.metrics)


def show(name: str, parameters: float, epochs: int, metrics: Mapping[str, Measured]) -> None:
    cells = " | ".join(f"{m.value:.3f} ({m.low:.3f} to {m.high:.3f})" for m in (metrics[name] for name in METRICS))
    print(f"| {name} | {parameters / 1e6:.3f} M | {epochs} | {cells} |", flush=True)


def network_of(given: argparse.Namespace, dataset: Dataset) -> Architecture:
    """Fit the network to the data."""
    network = copy.deepcopy(read(given.network).value)
    network |= {"resolution": dataset.resolution, "channels": dataset.channels, "classes": len(dataset.classes)}
    return load_architecture(network)


def recipe_of(given: argparse.Namespace) -> FullRecipe:
    """Change the task's recipe for both."""
    asked = {"batch_size": given.batch_size, "learning_rate": given.learning_rate}
    return load_recipe("detection").model_copy(update=asked)


def train_detr(network: Architecture, given: argparse.Namespace) -> Trained:
    """Train by `nas train`, or go on with it."""
    folder = given.out / f"detr-{given.seed}"
    if folder.exists():
        return go_on(folder)
    return nas.train(network, name=folder.name, runs=given.out, data=given.data, recipe=recipe_of(given),
                     time=60 * given.minutes, threads=1, seed=given.seed,
                     **({"backbone": given.backbone} if given.backbone else {}))  # fmt: skip


def train_centernet(network: Architecture, dataset: Dataset, given: argparse.Namespace) -> Trainer:
    """Train with the recipe, the loop and the time of the DETR, and take the weights of the best epoch."""
    batches = Batches(dataset, torch.device("cpu"))
    model = Model(CenterNet(network, WIDTH), dataset.classes, *batches.statistics())
    task = replace(load_task("detection"), loss=loss, guided=False)
    trainer = Trainer(model, task, batches, recipe_of(given), seed=given.seed, limit=60 * given.minutes)
    best = {}
    for epoch in trainer.epochs():
        if trainer.progress.best == epoch.number:
            best = copy.deepcopy(trainer.judged.state_dict())
    trainer.judged.load_state_dict(best)
    return trainer


if __name__ == "__main__":
    main()
