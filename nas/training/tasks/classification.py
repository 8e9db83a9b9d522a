"""Classification, one class an image, by cross-entropy, and four ways of counting what is right.

Accuracy and its top-5 weigh every image alike; balanced accuracy and macro F1 weigh every class alike, however few
images it has. A class that no target has is left out, so that all networks are measured on the same classes.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from nas.training.tasks import Metric, Predictions, Task

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    Numbers = NDArray[np.int64]
    Redrawn = Callable[[Numbers], float]

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
    return _balanced_accuracies(predictions)(_rows(predictions))


def _balanced_accuracies(predictions: Predictions) -> "Redrawn":
    return _mean(predictions, lambda right, true, said: right / true)


def _macro_f1(predictions: Predictions) -> float:
    """Return the mean over the classes of F1, the harmonic mean of precision and recall, 0 where both are."""
    return _macro_f1s(predictions)(_rows(predictions))


def _macro_f1s(predictions: Predictions) -> "Redrawn":
    return _mean(predictions, lambda right, true, said: 2 * right / (true + said))


def _rows(predictions: Predictions) -> "Numbers":
    import numpy as np

    return np.arange(len(predictions.targets))


def _mean(predictions: Predictions, share: "Callable[[Numbers, Numbers, Numbers], NDArray[np.float64]]") -> "Redrawn":
    """Return what computes for any rows of predictions the mean of a share over the classes that have images there.

    It is a share of the images of each class that are right, those there are, and those said to be of it. They are
    counted by hand, as a bootstrap counts a thousand times and scikit-learn's checks take longer than the counting.
    """
    import numpy as np

    classes = predictions.outputs.shape[1]
    every, answers = predictions.targets.cpu().numpy(), predictions.outputs.argmax(1).cpu().numpy()

    def mean(rows: "Numbers") -> float:
        true, said = every[rows], answers[rows]
        counts = np.stack([np.bincount(which, minlength=classes) for which in (true[true == said], true, said)])
        return float(share(*counts[:, counts[1] > 0]).mean())

    return mean


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
        "balanced_accuracy": Metric(_balanced_accuracy, redrawn=_balanced_accuracies, guess=_one),
        "macro_f1": Metric(  # guesses come to less where classes differ in size
            _macro_f1, title="Macro F1", redrawn=_macro_f1s, guess=_one
        ),
    },
    objectives=("accuracy", "latency"),
    targets="classes",
    outputs="logits",
)
