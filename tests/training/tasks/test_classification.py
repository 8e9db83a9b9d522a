"""Classification: its loss, and what is counted as right."""

import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch
from torch import nn

from nas.evaluation.units import title, words
from nas.training.catalogue import load_task
from nas.training.images import Images
from nas.training.loop import predict
from nas.training.tasks import Predictions

TASK = load_task("classification")


class Oracle(nn.Module):
    """Says the class that stands in the first pixel, and the next one for every third image."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        said = x[:, 0, 0, 0].round().long()
        said = torch.where(torch.arange(len(x)) % 3 == 0, (said + 1) % 10, said)
        return nn.functional.one_hot(said, 10).float()


def test_accuracy_is_the_share_that_is_right() -> None:
    labels = torch.arange(1203) % 10
    x = labels.to(torch.uint8).view(-1, 1, 1, 1).expand(-1, 1, 2, 2)
    zero, one = torch.zeros(1, 1, 1), torch.ones(1, 1, 1)
    images = Images(x, labels, x, labels, zero, one, mirror=False)
    accuracy = TASK.metrics["accuracy"].compute
    assert accuracy(predict(Oracle(), images, batch_size=300)) == pytest.approx(802 / 1203)
    assert accuracy(predict(Oracle(), images, batch_size=5000)) == pytest.approx(802 / 1203)


def test_the_loss_is_the_mean_cross_entropy_with_smoothed_targets() -> None:
    logits, classes = torch.tensor([[2.0, 0.0, -1.0], [0.5, 1.5, 0.0]]), torch.tensor([0, 2])
    surprise = -logits.log_softmax(1)
    plain, mean = surprise[[0, 1], classes].mean(), surprise.mean()
    assert float(TASK.loss(logits, classes)) == pytest.approx(float(plain))
    assert float(TASK.loss(logits, classes, 0.1)) == pytest.approx(float(0.9 * plain + 0.1 * mean))


# ---- metrics, against counting one image after the other


def draw(seed: int, images: int, classes: int, present: int) -> Predictions:
    """Logits of a network that is right about half the time, for images of the first `present` classes."""
    rng = np.random.default_rng(seed)
    targets = np.minimum(rng.geometric(0.3, images) - 1, present - 1)  # unbalanced
    logits = rng.normal(size=(images, classes)) + 2 * np.eye(classes)[targets]
    return Predictions(torch.tensor(logits, dtype=torch.float32), torch.tensor(targets))


def counted(name: str, predictions: Predictions) -> float:
    """The metric as its definition says it."""
    logits, targets = predictions.outputs.tolist(), predictions.targets.tolist()
    said = [row.index(max(row)) for row in logits]
    pairs = list(zip(targets, said, strict=True))
    if name == "accuracy":
        return sum(t == s for t, s in pairs) / len(pairs)
    if name == "top5":
        ranks = [sum(other > row[t] for other in row) for row, t in zip(logits, targets, strict=True)]
        return sum(rank < 5 for rank in ranks) / len(ranks)
    shares = []
    for c in sorted(set(targets)):
        right, true, called = pairs.count((c, c)), targets.count(c), said.count(c)
        shares.append(right / true if name == "balanced_accuracy" else 2 * right / (true + called))
    return sum(shares) / len(shares)


@pytest.mark.parametrize("name", sorted(TASK.metrics))
@pytest.mark.parametrize(
    ("images", "classes", "present"), [(200, 12, 12), (60, 12, 4), (40, 3, 3), (7, 2, 1), (1, 9, 9)]
)
def test_metrics_are_what_their_definitions_say(name: str, images: int, classes: int, present: int) -> None:
    """Also where the network says classes that no image has, and where classes are never said."""
    for seed in range(5):
        predictions = draw(seed, images, classes, present)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = TASK.metrics[name].compute(predictions)
        assert found == pytest.approx(counted(name, predictions), abs=1e-12)
        assert type(found) is float


@pytest.mark.parametrize("name", ["balanced_accuracy", "macro_f1"])
@pytest.mark.parametrize(("images", "classes", "present"), [(200, 12, 12), (60, 12, 4), (7, 2, 1), (1, 9, 9)])
def test_images_drawn_again_are_counted_by_answers_taken_once(
    name: str, images: int, classes: int, present: int
) -> None:
    """A thousand draws of all logits would take minutes for a thousand classes."""
    predictions = draw(0, images, classes, present)
    logits = predictions.outputs.clone()
    redrawn = TASK.metrics[name].redrawn
    assert redrawn
    computed = redrawn(predictions)
    predictions.outputs.zero_()
    for seed in range(5):
        rows = np.random.default_rng(seed).integers(0, images, images)
        expected = counted(name, Predictions(logits[rows], predictions.targets[rows]))
        assert computed(rows) == pytest.approx(expected, abs=1e-12)


def test_five_classes_or_fewer_are_all_among_the_top_five() -> None:
    for classes in (2, 5):
        assert TASK.metrics["top5"].compute(draw(0, 50, classes, classes)) == 1.0
    assert TASK.metrics["top5"].compute(draw(0, 50, 6, 6)) < 1.0


def test_rare_classes_weigh_as_much_as_frequent_ones() -> None:
    targets = torch.tensor([0] * 90 + [1] * 10)
    always_first = Predictions(torch.tensor([[1.0, 0.0]]).repeat(100, 1), targets)
    values = {name: metric.compute(always_first) for name, metric in TASK.metrics.items()}
    assert values["accuracy"] == 0.9
    assert values["balanced_accuracy"] == 0.5
    assert values["macro_f1"] == pytest.approx(2 * 90 / 190 / 2)


def test_metrics_have_words_for_tables_and_sentences() -> None:
    assert [title(name) for name in TASK.metrics] == ["Accuracy", "Top-5 accuracy", "Balanced accuracy", "Macro F1"]
    assert [words(name) for name in TASK.metrics] == ["accuracy", "top-5 accuracy", "balanced accuracy", "Macro F1"]


def test_a_metric_that_is_not_asked_for_loads_nothing() -> None:
    code = "import sys, nas.training.catalogue as c; c.objective_names(); print('sklearn.metrics' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
