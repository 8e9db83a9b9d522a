"""Classification, one class an image, by cross-entropy, and four ways of counting what is right.

Accuracy and its top-5 weigh every image alike; balanced accuracy and macro F1 weigh every class alike, however few
images it has. A class that no target has is left out, so that all networks are measured on the same classes.
"""

from typing import TYPE_CHECKING

from nas.training.tasks import Metric, Predictions, Task

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

TOP = 5


def _cross_entropy(outputs: "Tensor", targets: "Tensor", label_smoothing: float = 0.0) -> "Tensor":
    """Compare logits `(batch, classes)` with the numbers of the classes `(batch,)`."""
    from torch.nn import functional as F

    return F.cross_entropy(outputs, targets, label_smoothing=label_smoothing)


def _accuracy(predictions: Predictions) -> float:
    """Return the share of the images whose largest logit is that of their class."""
    right = predictions.outputs.argmax(1) == predictions.targets
    return int(right.sum()) / len(right)


def _top5(predictions: Predictions) -> float:
    """Return the share of the images whose class is among those of the five largest logits."""
    outputs, targets = predictions
    best = outputs.topk(min(TOP, outputs.shape[1]), dim=1).indices
    return int((best == targets[:, None]).sum()) / len(targets)


def _balanced_accuracy(predictions: Predictions) -> float:
    """Return the mean over the classes of the share of their images that is classified rightly."""
    right, true, _ = _counts(predictions)
    return float((right / true).mean())


def _macro_f1(predictions: Predictions) -> float:
    """Return the mean over the classes of F1, the harmonic mean of precision and recall, 0 where both are."""
    right, true, said = _counts(predictions)
    return float((2 * right / (true + said)).mean())


def _counts(predictions: Predictions) -> "tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]":
    """Count for each class that has images those that are right, those there are, and those said to be of it.

    By hand, as a bootstrap counts a thousand times and scikit-learn's checks take longer than the counting.
    """
    import numpy as np

    classes = predictions.outputs.shape[1]
    true, said = predictions.targets.cpu().numpy(), predictions.outputs.argmax(1).cpu().numpy()
    counts = np.stack([np.bincount(which, minlength=classes) for which in (true[true == said], true, said)])
    right, there, called = counts[:, counts[1] > 0]
    return right, there, called


def _one(classes: int) -> float:
    """Return the share that is right by guessing: of every class one in as many as there are."""
    return 1 / classes


def _five(classes: int) -> float:
    """Return the share of the images whose class is among five that are guessed."""
    return min(TOP, classes) / classes


classification = Task(
    loss=_cross_entropy,
    metrics={
        "accuracy": Metric(_accuracy, counts=True, guess=_one),
        "top5": Metric(_top5, title="Top-5 accuracy", counts=True, trivial=TOP, guess=_five),
        "balanced_accuracy": Metric(_balanced_accuracy, guess=_one),
        "macro_f1": Metric(_macro_f1, title="Macro F1", guess=_one),  # less where classes differ in size
    },
    objectives=("accuracy", "latency"),
    targets="classes",
    outputs="logits",
)
