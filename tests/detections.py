"""Detectors by hand: a small network, scenes with boxes, answers that are right, doubled, misnamed, or made up."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from trained_fixtures import ENVIRONMENT, LATENCY, history, picture

from nas.data.boxes import CLASS, H, W, X, Y, pack
from nas.evaluation.plugins import Outside
from nas.network.architecture import Architecture
from nas.network.build import build
from nas.record.ending import Ending, Lowered
from nas.record.trained import Trained
from nas.space.library import load_architecture
from nas.training.boxes.judging import judge_boxes
from nas.training.boxes.verdict import BoxVerdict
from nas.training.full.settings import make_train_config
from nas.training.full.verdict import Measured, Verdict
from nas.training.model import Model
from nas.training.tasks import Predictions

NAMES = ("cat", "dog", "a <b>bird</b>")


def network(side: int = 32, classes: int = 3, **head: object) -> Architecture:
    """A small detector, with its published options changed by `head`."""
    own = {"kind": "detr", "width": 16, "encoder": 1, "decoder": 2, "heads": 2, "hidden": 16, "queries": 8}
    stages = [
        {"block": "conv", "depth": 1, "width": 8, "stride": 2},
        {"block": "moat", "depth": 1, "width": 16, "stride": 2, "head_dim": 8},
    ]
    return load_architecture(
        {"name": "finder", "resolution": side, "classes": classes, "stem": {"kind": "conv", "width": 8},
         "stages": stages, "head": own | head}
    )  # fmt: skip


def model(side: int = 32, names: tuple[str, ...] = NAMES, **head: object) -> Model:
    """A detector whose queries give answers far from each other's, for images that are not the same all over."""
    net, generator = build(network(side, len(names), **head), seed=0), torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in net.parameters():
            weight.mul_(4 if weight.ndim > 1 else 1)
        for layer in (net.head.classifier, net.head.box[-1]):
            layer.weight.copy_(0.5 * torch.randn(layer.weight.shape, generator=generator))
            layer.bias.zero_()
    return Model(net, names, (0.5, 0.5, 0.5), (0.25, 0.25, 0.25), {}).eval()


def quarters(width: int, height: int) -> Image.Image:
    """A picture whose quarters have colours of their own."""
    picture = Image.new("RGB", (width, height), "red")
    picture.paste("white", (width // 2, 0, width, height // 2))
    picture.paste("blue", (0, height // 2, width // 2, height))
    return picture


def answers(images: int, classes: int = 3, queries: int = 10, seed: int = 0) -> Predictions:
    """Draw scenes of up to four objects, and answers for them, some of each kind of mistake."""
    rng = np.random.default_rng(seed)
    truths, outputs = [], np.zeros((images, queries, 4 + classes), np.float32)
    outputs[..., :4] = rng.uniform(0.3, 0.7, (images, queries, 4)) * [1, 1, 0.3, 0.3]
    for image in range(images):
        rows = np.zeros((rng.integers(0, 5), 6))
        for number, row in enumerate(rows):
            row[[X, Y]] = 0.25 + 0.5 * (number % 2), 0.25 + 0.5 * (number // 2)
            row[[W, H]], row[CLASS] = rng.uniform(0.2, 0.4, 2), rng.integers(classes)
        truths.append(rows)
        query = 0
        for row in rows:
            kind = rng.choice(["found", "doubled", "misnamed", "missed"], p=[0.7, 0.1, 0.1, 0.1])
            for _ in range({"doubled": 2, "missed": 0}.get(kind, 1)):
                outputs[image, query, :4] = row[[X, Y, W, H]] + rng.normal(0, 0.01, 4)
                label = (int(row[CLASS]) + (kind == "misnamed")) % classes
                outputs[image, query, 4 + label] = rng.uniform(0.55, 1)
                query += 1
        if rng.random() < 0.2:
            outputs[image, query, 4 + rng.integers(classes)] = rng.uniform(0.55, 0.9)
    return Predictions(torch.from_numpy(outputs), torch.from_numpy(pack(truths)))


def judged(images: int, names: tuple[str, ...] = NAMES) -> BoxVerdict:
    """Judge drawn answers."""
    return judge_boxes(answers(images, len(names)), len(names))


def lowered(full: float = 0.7) -> tuple[Lowered, ...]:
    """Make a table of what a lowered network loses."""
    rows = ((8, 32, 0, 1.0), (6, 32, 0.001, 0.98), (4, 32, 0.004, 0.96), (2, 32, 0.21, 0.94), (8, 24, 0.06, 0.6),
            (8, 16, 0.31, 0.3))  # fmt: skip
    return tuple(
        Lowered(queries, side, {"map": full - lost, "map50": full + 0.2 - lost}, int(4e6 * share), 3 * share, 100)
        for queries, side, lost, share in rows
    )


def begun(folder: Path, names: tuple[str, ...] = NAMES, **settings: object) -> Trained:
    """Make the folder of a detector's training before its first epoch."""
    given = {"data": "voc:animals", "recipe_name": "small", "task": "detection", "monitor": "map"}
    config = make_train_config(given | settings)
    return Trained.create(folder, config, network(classes=len(names)), dict(ENVIRONMENT), Outside())


def ended(
    folder: Path, names: tuple[str, ...] = NAMES, images: int = 60, side: int = 32, **settings: object
) -> Trained:
    """Make the folder of a detector's training that has ended."""
    trained, found = begun(folder, names, **settings), judged(images, names)
    net = Model(build(trained.architecture), names, [0.5] * 3, [0.25] * 3)
    trained.keep_epoch({}, history(6, ("map", "map50")), net)
    metrics = {"map": Measured(0.61, 0.57, 0.65), "map50": Measured(0.83, 0.8, 0.86)}
    verdict = Verdict(images, metrics, [], None, [], [])
    pictures = tuple(picture(one.row, side) for one in found.shown)
    costs = {"params": 12_345, "macs": 678_901, "latency": LATENCY.to_dict()}
    trained.keep_ending(Ending(verdict, 5, pictures, costs, (), found, lowered()), net)
    return trained
