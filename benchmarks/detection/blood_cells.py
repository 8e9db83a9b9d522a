"""A small DETR beside a small anchor-free convolutional detector on few real photographs, for the same time.

    python benchmarks/detection/blood_cells.py --data voc:BCCD --minutes 14 --seeds 0 1 2

Both have the stem and stages of `blood_detr.yaml`, see the same images, mirrored and cropped alike, and are judged by
the epoch that was best on the validation part. The DETR is trained by `nas train`; `--backbone` names a training whose
stem and stages it begins with. The other is CenterNet (centernet.py), trained by the loop below. `--only` trains one of
them, so that each can have a core; what is in `--out` is not trained again. The last line is the DETR's lead over all
seeds, with an interval of 95 % by drawing photographs again, the same for both.
"""

import argparse
import copy
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from centernet import CenterNet, loss
from safetensors.torch import load_file, save_file

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
from nas.training.full.loop import Trainer, answers
from nas.training.full.recipe import FullRecipe, load_recipe
from nas.training.full.verdict import LEVEL, bootstrap, judge
from nas.training.model import Model
from nas.training.tasks import Predictions

WIDTH = 64  # of CenterNet's neck, as the DETR's
METRICS = ("map", "map50")
DETECTORS = ("detr", "centernet")
DRAWS = 1000  # of photographs, for the lead


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--network", type=Path, default=Path(__file__).parent / "blood_detr.yaml")
    parser.add_argument("--resolution", type=int, default=160)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--only", choices=DETECTORS)
    parser.add_argument("--backbone")
    parser.add_argument("--out", type=Path, default=Path("blood_cells"))
    given = parser.parse_args()
    torch.set_num_threads(1)
    dataset = load(given.data, seed=0, resolution=given.resolution)
    network = network_of(given, dataset)
    print("| detector | seed | parameters | epochs | mAP | mAP@50 |\n|---|---|---|---|---|---|", flush=True)
    found: dict[str, list[Predictions]] = {name: [] for name in DETECTORS}
    for seed in given.seeds:
        if given.only != "centernet":
            trained = train_detr(network, given, seed)
            model = nas.load(trained.folder)
            found["detr"].append(show("DETR", model, len(trained.history), dataset, seed, cost(network).params))
        if given.only != "detr":
            model, epochs = train_centernet(network, dataset, given, seed)
            parameters = sum(p.numel() for p in model.network.parameters())
            found["centernet"].append(show("CenterNet", model, epochs, dataset, seed, parameters))
    if not given.only:
        lead(found["detr"], found["centernet"])


def show(name: str, model: Model, epochs: int, dataset: Dataset, seed: int, parameters: float) -> Predictions:
    """Print how a detector does on the test part, and return its answers there."""
    said = answers(model, Batches(dataset, torch.device("cpu")), dataset.test, nullcontext())
    metrics = judge(load_task("detection"), said).metrics
    cells = " | ".join(f"{m.value:.3f} ({m.low:.3f} to {m.high:.3f})" for m in (metrics[name] for name in METRICS))
    print(f"| {name} | {seed} | {parameters / 1e6:.3f} M | {epochs} | {cells} |", flush=True)
    return said


def lead(ours: Sequence[Predictions], theirs: Sequence[Predictions]) -> None:
    """Print by how much ours are better, a mean over seeds, on the photographs and on such as are drawn from them."""
    metrics = {name: replace(load_task("detection").metrics[name], draws=DRAWS) for name in METRICS}
    drawn = [[bootstrap(metrics, each) for each in pair] for pair in zip(ours, theirs, strict=True)]
    for name, metric in metrics.items():
        value = np.mean([metric.compute(a) - metric.compute(b) for a, b in zip(ours, theirs, strict=True)])
        leads = np.mean([a[name] - b[name] for a, b in drawn], axis=0)
        low, high = np.quantile(leads, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        print(f"{name}: the DETR leads by {value:.3f} ({low:.3f} to {high:.3f}), a mean of {len(drawn)} seeds")


def network_of(given: argparse.Namespace, dataset: Dataset) -> Architecture:
    """Fit the network to the data."""
    network = copy.deepcopy(read(given.network).value)
    network |= {"resolution": dataset.resolution, "channels": dataset.channels, "classes": len(dataset.classes)}
    return load_architecture(network)


def recipe_of(given: argparse.Namespace) -> FullRecipe:
    """Change the task's recipe for both."""
    asked = {"batch_size": given.batch_size, "learning_rate": given.learning_rate}
    return load_recipe("detection").model_copy(update=asked)


def train_detr(network: Architecture, given: argparse.Namespace, seed: int) -> Trained:
    """Train by `nas train`, or go on with it."""
    folder = given.out / f"detr-{seed}"
    if folder.exists():
        return go_on(folder)
    return nas.train(network, name=folder.name, runs=given.out, data=given.data, recipe=recipe_of(given),
                     time=60 * given.minutes, threads=1, seed=seed,
                     **({"backbone": given.backbone} if given.backbone else {}))  # fmt: skip


def train_centernet(network: Architecture, dataset: Dataset, given: argparse.Namespace, seed: int) -> tuple[Model, int]:
    """Train with the recipe, the loop and the time of the DETR: the model of the best epoch, and how many it had."""
    batches, folder = Batches(dataset, torch.device("cpu")), given.out / f"centernet-{seed}"
    torch.manual_seed(seed)
    model = Model(CenterNet(network, WIDTH, seed), dataset.classes, *batches.statistics())
    weights, epochs = folder / "model.safetensors", folder / "epochs"
    if not epochs.exists():
        task = replace(load_task("detection"), loss=loss, guided=False)
        trainer = Trainer(model, task, batches, recipe_of(given), seed=seed, limit=60 * given.minutes)
        folder.mkdir(parents=True, exist_ok=True)
        for epoch in trainer.epochs():
            if trainer.progress.best == epoch.number:
                save_file({name: t.contiguous() for name, t in trainer.judged.state_dict().items()}, weights)
        epochs.write_text(str(len(trainer.progress.history)))
    model.load_state_dict(load_file(weights))
    return model, int(epochs.read_text())


if __name__ == "__main__":
    main()
