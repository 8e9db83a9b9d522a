"""The verdict on a trained network: metrics with intervals, confusion, calibration and its worst mistakes."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from nas.files import Json
from nas.training.chance import LEVEL, wilson
from nas.training.tasks import Metric, Predictions, Task

BINS = 15  # of the reliability diagram, as in arXiv:1706.04599
WORST = 12


@dataclass(frozen=True)
class Measured:
    """A metric on the test part with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Bin:
    """The images whose largest probability lies in `(low, high]`: how sure the network was, how often it was right."""

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Mistake:
    """An image that the network is sure about and wrong.

    `row` is its place in the test part. The classes are numbers; `probability` is that of the predicted one.
    """

    row: int
    label: int
    predicted: int
    probability: float


@dataclass(frozen=True)
class Verdict:
    """What a network does on images that its training never saw.

    `confusion[i][j]` counts the images of class i that were taken for class j. `ece` is the expected calibration error
    over `bins`. All but `images` and `metrics` are empty, or None, for a task whose targets are not classes.
    """

    images: int
    metrics: dict[str, Measured]
    confusion: list[list[int]]
    ece: float | None
    bins: list[Bin]
    mistakes: list[Mistake]

    def to_dict(self) -> Json:
        """Return plain data."""
        shallow = dict(vars(self))  # a confusion of a thousand classes has a million counts
        shallow["metrics"] = {name: asdict(one) for name, one in self.metrics.items()}
        return shallow | {name: [asdict(one) for one in shallow[name]] for name in ("bins", "mistakes")}

    @classmethod
    def from_dict(cls, data: Json) -> "Verdict":
        """Undo `to_dict`. Raises TypeError, KeyError or AttributeError for other data."""
        return cls(
            data["images"],
            {name: Measured(**one) for name, one in data["metrics"].items()},
            data["confusion"],
            data["ece"],
            [Bin(**one) for one in data["bins"]],
            [Mistake(**one) for one in data["mistakes"]],
        )


def judge(task: Task, predictions: Predictions) -> Verdict:
    """Judge a network by its predictions for the test part, on the processor."""
    metrics = _with_intervals(task, predictions)
    count = len(predictions.targets)
    if task.targets != "classes":
        return Verdict(count, metrics, [], None, [], [])
    probabilities = predictions.outputs.float().softmax(1).numpy()
    labels = predictions.targets.numpy()
    bins = calibration(probabilities, labels)
    ece = sum(b.count * abs(b.accuracy - b.confidence) for b in bins) / count
    return Verdict(count, metrics, confusion(probabilities, labels), ece, bins, worst(probabilities, labels))


def confusion(probabilities: NDArray[np.float32], labels: NDArray[np.int64]) -> list[list[int]]:
    """Count the images of each class (rows) by the class that they were taken for (columns)."""
    classes = probabilities.shape[1]
    table = np.bincount(labels * classes + probabilities.argmax(1), minlength=classes**2)
    return [[int(n) for n in row] for row in table.reshape(classes, classes)]


def calibration(probabilities: NDArray[np.float32], labels: NDArray[np.int64]) -> list[Bin]:
    """Sort images by how sure the network is of its answer (arXiv:1706.04599, section 2), leaving out empty bins."""
    sure, right = probabilities.max(1), probabilities.argmax(1) == labels
    places = np.clip(np.ceil(sure * BINS).astype(int) - 1, 0, BINS - 1)
    return [
        Bin(
            place / BINS,
            (place + 1) / BINS,
            int(inside.sum()),
            float(sure[inside].mean()),
            float(right[inside].mean()),
        )
        for place in range(BINS)
        if (inside := places == place).any()
    ]


def worst(probabilities: NDArray[np.float32], labels: NDArray[np.int64]) -> list[Mistake]:
    """List the mistakes that the network was surest of."""
    predicted, sure = probabilities.argmax(1), probabilities.max(1)
    wrong = np.flatnonzero(predicted != labels)
    order = wrong[np.argsort(-sure[wrong], kind="stable")][:WORST]
    return [Mistake(int(row), int(labels[row]), int(predicted[row]), float(sure[row])) for row in order]


def _with_intervals(task: Task, predictions: Predictions) -> dict[str, Measured]:
    """Compute metrics with intervals: Wilson's for a share of the images, else those of a bootstrap."""
    drawn = bootstrap({name: metric for name, metric in task.metrics.items() if not metric.counts}, predictions)
    found = {}
    for name, metric in task.metrics.items():
        value, count = metric.value(predictions), len(predictions.targets)
        if metric.counts:
            low, high = wilson(round(value * count), count)
        else:
            low, high = interval(metric, value, drawn[name])
        found[name] = Measured(value, low, high)
    return found


def interval(metric: Metric, value: float, drawn: NDArray[np.float64]) -> tuple[float, float]:
    """Return a metric's interval from its values on images drawn anew: their percentiles.

    Draws of a flattered metric lie above its value as that lies above the true one, so they are reflected in it (the
    basic bootstrap; Davison and Hinkley, Bootstrap Methods and their Application, 1997, section 5.2).
    """
    drawn = drawn[np.isfinite(drawn)]
    if not len(drawn):
        return value, value
    low, high = map(float, np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]))
    if not metric.flattered:
        return low, high
    low, high = min(2 * value - high, value), max(2 * value - low, value)
    return (max(low, 0.0), min(high, 1.0)) if metric.share else (low, high)


def bootstrap(metrics: Mapping[str, Metric], predictions: Predictions) -> dict[str, NDArray[np.float64]]:
    """Compute metrics on images drawn again and again with replacement, each as often as it says: `(draws,)` by name.

    The same images of as many are drawn each time, so that two networks can be compared draw by draw.
    """
    rng, count = np.random.default_rng(0), len(predictions.targets)
    ready = {name: metric.redrawn(predictions) for name, metric in metrics.items() if metric.redrawn}
    found = {name: np.empty(metric.draws) for name, metric in metrics.items()}
    for i in range(max((metric.draws for metric in metrics.values()), default=0)):
        rows = rng.integers(0, count, count)
        if len(ready) < len(metrics):
            drawn = Predictions(*(each[torch.from_numpy(rows)] for each in predictions))
        for name, metric in metrics.items():
            if i < metric.draws:
                found[name][i] = ready[name](rows) if name in ready else metric.value(drawn)
    return found
