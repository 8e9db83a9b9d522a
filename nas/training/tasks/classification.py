"""Classification, one class an image, by cross-entropy and accuracy."""

from typing import TYPE_CHECKING

from nas.training.tasks import Metric, Predictions, Task

if TYPE_CHECKING:
    from torch import Tensor


def _cross_entropy(outputs: "Tensor", targets: "Tensor", label_smoothing: float = 0.0) -> "Tensor":
    """Compare logits `(batch, classes)` with the numbers of the classes `(batch,)`."""
    from torch.nn import functional as F

    return F.cross_entropy(outputs, targets, label_smoothing=label_smoothing)


def _accuracy(predictions: Predictions) -> float:
    """Return the share of the images whose largest logit is that of their class."""
    right = predictions.outputs.argmax(1) == predictions.targets
    return int(right.sum()) / len(right)


classification = Task(
    loss=_cross_entropy,
    metrics={"accuracy": Metric(_accuracy)},
    objectives=("accuracy", "latency"),
    targets="classes",
    outputs="logits",
)
