"""The verdict on a network, against the same computed slowly."""

import json
import math
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from torch import Tensor

from nas.training.catalogue import load_task
from nas.training.full.verdict import Verdict, calibration, confusion, judge, worst
from nas.training.tasks import Metric, Predictions, Task

TASK = load_task("classification")
BINS = 15


def drawn(images: int = 200, classes: int = 5, seed: int = 0, absent: int = 0) -> Predictions:
    """Logits that are right about half of the time, and no image of the last `absent` classes."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes - absent, images)
    logits = rng.normal(size=(images, classes)) + 1.5 * np.eye(classes)[labels]
    return Predictions(torch.tensor(logits, dtype=torch.float32), torch.tensor(labels))


def probabilities(predictions: Predictions) -> NDArray[np.float32]:
    return predictions.outputs.softmax(1).numpy()


# ---- confusion, calibration, mistakes


@pytest.mark.parametrize("absent", [0, 2])
def test_confusion_counts_pairs_of_classes(absent: int) -> None:
    predictions = drawn(absent=absent)
    pairs = Counter(zip(predictions.targets.tolist(), predictions.outputs.argmax(1).tolist(), strict=True))
    found = confusion(probabilities(predictions), predictions.targets.numpy())
    assert found == [[pairs[i, j] for j in range(5)] for i in range(5)]
    assert all(sum(row) == 0 for row in found[5 - absent :])


def slow_calibration(sure: list[float], right: list[bool]) -> tuple[list[tuple[int, float, float]], float]:
    """Bins and expected calibration error as the paper's section 2 has them, image by image."""
    bins, error = [], 0.0
    for place in range(BINS):
        inside = [i for i, s in enumerate(sure) if place / BINS < s <= (place + 1) / BINS or (s == 0 and not place)]
        if inside:
            mean = sum(sure[i] for i in inside) / len(inside)
            share = sum(right[i] for i in inside) / len(inside)
            bins.append((len(inside), mean, share))
            error += len(inside) / len(sure) * abs(share - mean)
    return bins, error


@pytest.mark.parametrize("classes", [2, 5, 12])
def test_the_calibration_error_is_the_papers(classes: int) -> None:
    predictions = drawn(300, classes, seed=classes)
    shares, labels = probabilities(predictions), predictions.targets.numpy()
    sure, right = shares.max(1).tolist(), (shares.argmax(1) == labels).tolist()
    bins, error = slow_calibration(sure, right)
    found = calibration(shares, labels)
    assert [(b.count, b.confidence, b.accuracy) for b in found] == [pytest.approx(b) for b in bins]
    assert all(b.low < b.confidence <= b.high for b in found)
    assert judge(TASK, predictions).ece == pytest.approx(error)


@given(arrays(np.float32, st.integers(1, 40), elements=st.floats(0.5, 1, width=32)), st.integers(0, 2**31))
def test_every_image_lies_in_one_bin(sure: NDArray[np.float32], seed: int) -> None:
    labels = np.random.default_rng(seed).integers(0, 2, len(sure))
    found = calibration(np.stack([sure, 1 - sure], 1), labels)
    assert sum(b.count for b in found) == len(sure)
    assert all(b.low <= b.confidence + 1e-6 and b.confidence <= b.high + 1e-6 for b in found)
    assert [b.low for b in found] == sorted({b.low for b in found})


def test_the_worst_mistakes_are_those_that_the_network_was_surest_of() -> None:
    predictions = drawn(300, 4)
    shares, labels = probabilities(predictions).tolist(), predictions.targets.tolist()
    slow = sorted(
        (-max(row), i) for i, (row, label) in enumerate(zip(shares, labels, strict=True)) if max(row) > row[label]
    )[:12]
    found = worst(probabilities(predictions), predictions.targets.numpy())
    assert [(-m.probability, m.row) for m in found] == [pytest.approx(pair) for pair in slow]
    for m in found:
        assert m.label == labels[m.row] != m.predicted
        assert shares[m.row][m.predicted] == max(shares[m.row])


def test_a_network_with_few_mistakes_shows_those() -> None:
    predictions = drawn(20, 3)
    right = Predictions(10 * torch.eye(3)[predictions.targets], predictions.targets)
    right.outputs[7] = torch.tensor([0.0, 0.0, 9.0]) if right.targets[7] != 2 else torch.tensor([0.0, 9.0, 0.0])
    assert [m.row for m in judge(TASK, right).mistakes] == [7]


# ---- intervals


def slow_wilson(hits: int, count: int) -> tuple[float, float]:
    """Wilson 1927, formula as in Brown, Cai and DasGupta 2001 (section 3.1.1)."""
    z = 1.959963984540054
    share = hits / count
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return middle - half, middle + half


@pytest.mark.parametrize(("images", "seed"), [(1, 0), (7, 1), (200, 2), (1000, 3)])
def test_shares_of_images_have_wilsons_interval(images: int, seed: int) -> None:
    predictions = drawn(images, 7, seed)
    found = judge(TASK, predictions).metrics
    hits = int((predictions.outputs.argmax(1) == predictions.targets).sum())
    assert found["accuracy"].value == hits / images
    assert (found["accuracy"].low, found["accuracy"].high) == pytest.approx(slow_wilson(hits, images), abs=1e-9)
    ranks = (predictions.outputs > predictions.outputs.gather(1, predictions.targets[:, None])).sum(1)
    five = int((ranks < 5).sum())
    assert (found["top5"].low, found["top5"].high) == pytest.approx(slow_wilson(five, images), abs=1e-9)


def test_other_metrics_have_that_of_a_bootstrap() -> None:
    predictions = drawn(120, 4)
    rng, values = np.random.default_rng(0), []
    for _ in range(TASK.metrics["balanced_accuracy"].draws):
        rows = rng.integers(0, 120, 120).tolist()
        labels = [int(predictions.targets[i]) for i in rows]
        said = [int(predictions.outputs[i].argmax()) for i in rows]
        recalls = []
        for c in set(labels):
            own = [s for s, label in zip(said, labels, strict=True) if label == c]
            recalls.append(own.count(c) / len(own))
        values.append(sum(recalls) / len(recalls))
    low, high = np.quantile(values, [0.025, 0.975])
    found = judge(TASK, predictions).metrics["balanced_accuracy"]
    assert (found.low, found.high) == pytest.approx((low, high))
    assert found.low < found.value < found.high


def test_the_bootstrap_is_as_wide_as_the_interval_of_a_share() -> None:
    """Balanced accuracy of classes with equally many images is accuracy, whose interval is known."""
    labels = torch.arange(4).repeat(100)
    generator = torch.Generator().manual_seed(0)
    outputs = torch.randn(400, 4, generator=generator) + 1.5 * torch.eye(4)[labels]
    found = judge(TASK, Predictions(outputs, labels)).metrics
    assert found["balanced_accuracy"].value == pytest.approx(found["accuracy"].value)
    assert found["balanced_accuracy"].low == pytest.approx(found["accuracy"].low, abs=0.012)
    assert found["balanced_accuracy"].high == pytest.approx(found["accuracy"].high, abs=0.012)


def test_the_same_predictions_have_the_same_intervals() -> None:
    predictions = drawn()
    assert judge(TASK, predictions) == judge(TASK, predictions)


# ---- whole verdicts


def test_a_perfect_network_makes_no_mistake() -> None:
    labels = torch.arange(6).repeat(10)
    found = judge(TASK, Predictions(30 * torch.eye(6)[labels], labels))
    assert found.mistakes == []
    assert found.ece == pytest.approx(0, abs=1e-9)
    assert [(one.value, one.high) for one in found.metrics.values()] == [(1.0, pytest.approx(1.0))] * 4
    assert found.metrics["accuracy"].low == pytest.approx(slow_wilson(60, 60)[0])
    assert found.metrics["macro_f1"].low == 1
    assert found.confusion == (10 * np.eye(6, dtype=int)).tolist()


def test_a_network_that_is_always_wrong_is_judged() -> None:
    labels = torch.zeros(9, dtype=torch.long)
    found = judge(TASK, Predictions(30 * torch.eye(3)[labels + 1], labels))
    assert found.metrics["accuracy"].value == found.metrics["accuracy"].low == 0
    assert found.ece == pytest.approx(1)
    assert found.confusion == [[0, 9, 0], [0, 0, 0], [0, 0, 0]]
    assert len(found.mistakes) == 9


def test_half_precision_is_judged_as_well() -> None:
    predictions = drawn()
    half = Predictions(predictions.outputs.bfloat16(), predictions.targets)
    assert judge(TASK, half).ece == pytest.approx(judge(TASK, predictions).ece, abs=0.01)


def error(predictions: Predictions) -> float:
    return float((predictions.outputs - predictions.targets).abs().mean())


def loss(outputs: Tensor, targets: Tensor, label_smoothing: float = 0.0) -> Tensor:
    return (outputs - targets).abs().mean()


def test_a_task_without_classes_has_metrics_alone() -> None:
    metric = Metric(error, "minimize", share=False, unit="°")
    task = Task(loss, {"error": metric}, ("error",), "angles", "direction")
    found = judge(task, Predictions(torch.zeros(50), torch.arange(50.0)))
    assert found.metrics["error"].value == pytest.approx(24.5)
    assert 18 < found.metrics["error"].low < 24.5 < found.metrics["error"].high < 31
    assert (found.confusion, found.bins, found.mistakes, found.ece, found.images) == ([], [], [], None, 50)
    assert Verdict.from_dict(json.loads(json.dumps(found.to_dict(), allow_nan=False))) == found


def test_a_metric_that_has_no_value_on_some_draws_has_an_interval_of_the_others() -> None:
    def odd(predictions: Predictions) -> float:
        first = float(predictions.outputs[0])
        return first if first > 0.5 else math.nan

    task = Task(loss, {"odd": Metric(odd)}, ("odd",), "angles", "direction")
    found = judge(task, Predictions(torch.linspace(1, 0, 30), torch.zeros(30))).metrics["odd"]
    assert 0.5 < found.low < found.high <= found.value == 1
    never = Task(loss, {"odd": Metric(lambda predictions: math.nan)}, ("odd",), "angles", "direction")
    assert math.isnan(judge(never, Predictions(torch.zeros(3), torch.zeros(3))).metrics["odd"].low)


@pytest.mark.parametrize("absent", [0, 3])
def test_a_verdict_survives_json(absent: int) -> None:
    found = judge(TASK, drawn(absent=absent))
    again = Verdict.from_dict(json.loads(json.dumps(found.to_dict(), allow_nan=False)))
    assert again == found


@pytest.mark.parametrize(
    "damage", [{"metrics": None}, {"bins": [{}]}, {"mistakes": [1]}, {"metrics": {"accuracy": {}}}]
)
def test_other_data_are_no_verdict(damage: dict[str, object]) -> None:
    data = judge(TASK, drawn()).to_dict() | damage
    with pytest.raises((TypeError, KeyError, AttributeError)):
        Verdict.from_dict(data)
    with pytest.raises((TypeError, KeyError)):
        Verdict.from_dict({})
