"""What a trained detector loses, and saves, with fewer queries or smaller images: measured on the validation part."""

from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from nas.costs.counts import cost
from nas.costs.deployment import Deployment
from nas.costs.latency.measure import measure
from nas.files import Json
from nas.network.architecture import Architecture
from nas.network.lowering import LEAST_SIDE, queries_of, trains_queries
from nas.record.ending import Lowered
from nas.training.boxes.found import NOTED
from nas.training.boxes.judging import best_threshold
from nas.training.boxes.mistakes import examine
from nas.training.full.batches import Rows
from nas.training.full.loop import Trainer, answers
from nas.training.model import ORDER, Model, resized
from nas.training.tasks import Predictions

QUERIES, SIDES = (0.75, 0.5, 0.25), (0.75, 0.5)
"""Shares of a network's own that are tried, each by itself."""
FEWEST, MOST, PIXELS = 50, 500, 2**25  # images of the validation part, as many as have so many pixels


def some(rows: Rows, side: int) -> Rows:
    """Take rows of the validation part, evenly over all as they lie by name, fewer of larger images."""
    count = min(len(rows), MOST, max(FEWEST, PIXELS // side**2))
    return rows[np.linspace(0, len(rows) - 1, count).astype(np.int64)]


def told(model: Model, predictions: Predictions) -> Json:
    """Return what validation images tell of a detector, as facts: the score from which on its answers are taken.

    Where its queries have weights of their own it is also their order, by which the network is lowered.
    """
    order = {ORDER: by_use(predictions)} if trains_queries(model.architecture) else {}
    return {NOTED: best_threshold(predictions), **order}


def measure_lowered(
    model: Model, trainer: Trainer, rows: Rows, whole: Predictions, deployment: Deployment, seconds: float
) -> list[Lowered]:
    """Measure a model as it is, by its predictions `whole` for rows of the validation part, and lowered.

    A latency is measured for so many `seconds` at most, where the network will run.
    """
    found = [_measured(trainer, model, whole, deployment, seconds)]
    for queries, resolution in _settings(model.architecture):
        small = model.lowered(queries, resolution)
        predictions = answers(Scaled(small), trainer.batches, rows, nullcontext())
        found.append(_measured(trainer, small, predictions, deployment, seconds))
    return found


def by_use(predictions: Predictions) -> list[int]:
    """List the queries, those first whose answers found the most objects, each counted by its score."""
    outputs, targets = (part.float().numpy() for part in predictions)
    use: NDArray[np.float64] = np.zeros(outputs.shape[1])
    for output, target in zip(outputs, targets, strict=True):
        for answer in examine(output, target, 0.0).answers:
            use[answer.query] += answer.score * (answer.kind == "found")
    return [int(query) for query in np.argsort(-use, kind="stable")]


class Scaled(nn.Module):
    """A model that is handed images of any size, and scales them to its own, as pictures are scaled when read."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Any:
        return self.model(resized(x, self.model.architecture.resolution))


def _settings(architecture: Architecture) -> Iterator[tuple[int | None, int | None]]:
    """Yield numbers of queries, then sides in pixels, each smaller than the network's own and none twice."""
    now, side = queries_of(architecture) or 0, architecture.resolution
    for queries in dict.fromkeys(max(1, round(share * now)) for share in QUERIES):
        if queries < now:
            yield queries, None
    for pixels in dict.fromkeys(max(LEAST_SIDE, round(share * side)) for share in SIDES):
        if pixels < side:
            yield None, pixels


def _measured(
    trainer: Trainer, model: Model, predictions: Predictions, deployment: Deployment, seconds: float
) -> Lowered:
    architecture, timed = model.architecture, measure(model.network, deployment, seconds=seconds)
    return Lowered(
        queries_of(architecture) or 0,
        architecture.resolution,
        {name: metric.value(predictions) for name, metric in trainer.task.metrics.items()},
        cost(architecture).macs,
        timed.median,
        len(predictions.targets),
        best_threshold(predictions),
        timed.low,
        timed.high,
    )
