"""Detection: a box round every object, and its class, as a set of answers (https://arxiv.org/abs/2005.12872).

What is learnt and how it is measured lies in `nas/training/boxes/`, which is imported where it is used.
"""

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from nas.training.tasks import Metric, Predictions, Task

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Generator, Tensor

    Redrawn = Callable[[NDArray[np.int64]], float]

DRAWN = 5  # boxes on an image that are drawn by chance
DRAWS = 200  # for an interval; images are matched once, but their answers are sorted for each


def _boxes(module: str) -> Any:
    return import_module(f"nas.training.boxes.{module}")


def _loss(outputs: Any, targets: "Tensor", label_smoothing: float = 0.0) -> "Tensor":
    """Compare `Detections`, or a network's outputs in evaluation, with boxes `(batch, most, 6)`."""
    loss: Tensor = _boxes("losses").loss(outputs, targets)
    return loss


def _map(predictions: Predictions) -> float:
    """Return COCO's mean average precision, over overlaps from .5 to .95."""
    return float(_boxes("precision").mean_precision(predictions))


def _map50(predictions: Predictions) -> float:
    """Return the mean average precision at an overlap of .5."""
    return float(_boxes("precision").half_precision(predictions))


def _maps(predictions: Predictions) -> "Redrawn":
    redrawn: Redrawn = _boxes("precision").mean_precisions(predictions)
    return redrawn


def _map50s(predictions: Predictions) -> "Redrawn":
    redrawn: Redrawn = _boxes("precision").half_precisions(predictions)
    return redrawn


def _follow(targets: "Tensor", moves: "Tensor") -> "Tensor":
    """Move boxes with their images."""
    moved: Tensor = _boxes("follow").follow(targets, moves)
    return moved


def _drawn(images: int, classes: int, generator: "Generator") -> "Tensor":
    """Draw boxes by chance for each image, all inside it."""
    import torch

    numbers = torch.randint(classes, (images, DRAWN, 1), generator=generator).float()
    sizes = 0.1 + 0.3 * torch.rand(images, DRAWN, 2, generator=generator)
    centres = sizes / 2 + (1 - sizes) * torch.rand(images, DRAWN, 2, generator=generator)
    return torch.cat([numbers, centres, sizes, torch.zeros_like(numbers)], -1)


def _none(classes: int) -> float:
    """Return the precision of boxes by chance, which hardly ever overlap an object."""
    return 0.0


detection = Task(
    loss=_loss,
    metrics={
        "map": Metric(_map, title="mAP", draws=DRAWS, flattered=True, redrawn=_maps, guess=_none),
        "map50": Metric(_map50, title="mAP@50", draws=DRAWS, flattered=True, redrawn=_map50s, guess=_none),
    },
    objectives=("map", "latency"),
    targets="boxes",
    outputs="boxes",
    space="detr_family",
    data="digit_scenes",
    guided=True,
    follow=_follow,
    recipe={"epochs": 2, "learning_rate": 1e-3, "weight_decay": 1e-4, "initial": "paper"},
    full_recipe="detection",
    drawn=_drawn,
)
