"""Make folders of full trainings by hand: a real network, curves by a formula, and answers drawn at random."""

import base64
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from nas.costs.latency.measure import Latency
from nas.evaluation.plugins import Outside
from nas.network.architecture import Architecture, HeadSpec, StageSpec, StemSpec
from nas.network.build import build
from nas.record.ending import Ending
from nas.record.trained import Trained
from nas.training.full.progress import Epoch
from nas.training.full.settings import make_train_config
from nas.training.full.verdict import Measured, Verdict, calibration, confusion, worst
from nas.training.model import Model

LATENCY = Latency(1.234, 0.05, 1.21, 1.26, 40, True, 1.0, "cpu_eager", "Some CPU", 1, 1, "float32", 8)
ENVIRONMENT = {"versions": {"torch": "2.13.0"}, "device": "Some CPU", "commit": None, "seed": 0}


def network(classes: int) -> Architecture:
    """Make the smallest of two stages."""
    stages = (StageSpec("conv", 1, 8, 2), StageSpec("moat", 1, 16, 2, {"head_dim": 8}))
    return Architecture(StemSpec("conv", 8), stages, HeadSpec("pool"), "tiny", 8, 3, classes)


def begun(folder: Path, classes: int = 4, **settings: Any) -> Trained:
    """Make the folder of a training before its first epoch."""
    config = make_train_config({"data": "image_folder:signs", "recipe_name": "small"} | settings)
    return Trained.create(folder, config, network(classes), dict(ENVIRONMENT), Outside())


def model_of(trained: Trained, names: Sequence[str]) -> Model:
    """Make a model of untrained weights."""
    return Model(build(trained.architecture), names, [0.5] * 3, [0.25] * 3)


def history(epochs: int, metrics: Sequence[str] = ("accuracy", "balanced_accuracy")) -> list[Epoch]:
    """Make curves that level off, the best of them before the last epoch."""
    found = []
    for number in range(1, epochs + 1):
        loss, score = 3.2 * 0.85**number, 0.94 - 0.6 * 0.8**number - 0.1 * (number == epochs > 1)
        values = {name: score - 0.02 * i for i, name in enumerate(metrics)}
        found.append(Epoch(number, 21.5, 2e-3 * (1 - (number - 1) / epochs), 0.5 + loss, 0.25 + 0.9 * loss, values))
    return found


def answers(classes: int, images: int, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Draw probabilities `(images, classes)`, in which neighbours look alike, and labels of unequal classes."""
    rng = np.random.default_rng(seed)
    weights = rng.uniform(0.2, 1.0, classes)
    labels = rng.choice(classes, images, p=weights / weights.sum())
    logits = rng.normal(0, 1.0, (images, classes))
    logits[np.arange(images), labels] += rng.normal(5.5, 1.6, images)
    logits[np.arange(images), labels // 4 * 4] += 2.2
    shares = np.exp(logits - logits.max(1, keepdims=True))
    return (shares / shares.sum(1, keepdims=True)).astype(np.float32), labels.astype(np.int64)


def verdict(classes: int, images: int) -> Verdict:
    """Judge drawn answers."""
    probabilities, labels = answers(classes, images)
    bins = calibration(probabilities, labels)
    share = float((probabilities.argmax(1) == labels).mean())
    metrics = {"accuracy": Measured(share, share - 0.011, share + 0.010), "top5": Measured(0.99, 0.98, 0.995)}
    ece = sum(b.count * abs(b.accuracy - b.confidence) for b in bins) / images
    return Verdict(images, metrics, confusion(probabilities, labels), ece, bins, worst(probabilities, labels))


def picture(number: int, side: int = 32) -> str:
    """Draw a picture as a PNG file in base64."""
    y, x = np.mgrid[:side, :side] / side
    ring = (np.abs(np.hypot(x - 0.5, y - 0.5) - 0.35) < 0.07)[..., None]
    back = np.stack([0.4 + 0.4 * x, 0.5 + 0 * x, 0.7 - 0.4 * y], -1)
    colour = np.random.default_rng(number).uniform(0.2, 1, 3)
    file = io.BytesIO()
    Image.fromarray((255 * np.where(ring, colour, back)).astype(np.uint8)).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def ended(
    folder: Path, names: Sequence[str] = ("stop", "yield", "priority", "no entry"), epochs: int = 6, images: int = 300,
    side: int = 32, metrics: Sequence[str] = ("accuracy", "balanced_accuracy"), **settings: Any,
) -> Trained:  # fmt: skip
    """Make the folder of a training that has ended."""
    trained = begun(folder, len(names), **settings)
    model, past = model_of(trained, names), history(epochs, metrics)
    trained.keep_epoch({}, past, model)
    found = verdict(len(names), images)
    pictures = tuple(picture(m.row, side) for m in found.mistakes)
    costs = {"params": 12_345, "macs": 678_901, "latency": LATENCY.to_dict()}
    trained.keep_ending(Ending(found, max(epochs - 1, 1), pictures, costs, ()), model)
    return trained
