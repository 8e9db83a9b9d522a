"""Detection as a task: its metrics with intervals, and what it needs no torch for."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from drawn_boxes import drawn

from nas.evaluation.units import title, words
from nas.network.layers.detections import Detections
from nas.training.catalogue import load_task
from nas.training.full.verdict import Verdict, bootstrap, interval, judge
from nas.training.tasks import Predictions

TASK = load_task("detection")


def test_the_verdict_has_intervals_and_nothing_of_classification() -> None:
    predictions = drawn(60)
    verdict = judge(TASK, predictions)
    assert (verdict.images, verdict.confusion, verdict.ece, verdict.bins, verdict.mistakes) == (60, [], None, [], [])
    for name, metric in TASK.metrics.items():
        found = verdict.metrics[name]
        assert found.value == metric.compute(predictions)
        assert 0 < found.low < found.value < found.high < 1
    assert verdict.metrics["map"].value < verdict.metrics["map50"].value
    assert Verdict.from_dict(verdict.to_dict()) == verdict


def test_intervals_are_those_of_images_drawn_anew() -> None:
    predictions = drawn(30)
    rng = torch.Generator().manual_seed(0)
    values = []
    for _ in range(100):
        rows = torch.randint(30, (30,), generator=rng)
        values.append(TASK.metrics["map50"].compute(Predictions(predictions.outputs[rows], predictions.targets[rows])))
    low, high = torch.tensor(values).quantile(torch.tensor([0.025, 0.975])).tolist()
    found = judge(TASK, predictions).metrics["map50"]
    assert found.high - found.low == pytest.approx(high - low, rel=0.35)


def test_intervals_hold_what_the_network_has_on_all_images() -> None:
    """An average precision of few images is too high, and of images that are drawn twice higher still."""
    every, metric, rng = drawn(1000), TASK.metrics["map"], np.random.default_rng(0)
    true, held = metric.value(every), np.zeros(2)
    for _ in range(20):
        rows = torch.from_numpy(rng.choice(1000, 60, replace=False))
        sample = Predictions(every.outputs[rows], every.targets[rows])
        values = bootstrap({"map": metric}, sample)["map"]
        ways = (np.quantile(values, [0.025, 0.975]), interval(metric, metric.value(sample), values))
        held += [low <= true <= high for low, high in ways]
    assert held[1] >= 17
    assert held[0] < 14, "the percentiles' own"


def test_a_reflected_interval_holds_its_value_and_stays_a_share() -> None:
    metric = TASK.metrics["map"]
    assert interval(metric, 0.01, np.array([0.01, 0.02, 0.05])) == (0.0, pytest.approx(0.01, abs=1e-3))
    assert interval(metric, 0.98, np.linspace(0.5, 0.99, 99))[1] == 1.0
    low, high = interval(metric, 0.2, np.linspace(0.21, 0.3, 99))
    assert low < 0.2 == high
    assert interval(metric, 0.2, np.array([np.nan])) == (0.2, 0.2)


def test_a_test_part_without_a_box_has_a_verdict() -> None:
    outputs, targets = drawn(4)
    targets[:] = -1
    verdict = judge(TASK, Predictions(outputs, targets))
    assert {(one.value, one.low, one.high) for one in verdict.metrics.values()} == {(0.0, 0.0, 0.0)}


def test_the_loss_takes_what_networks_give_in_training_and_in_evaluation() -> None:
    outputs, targets = drawn(4)
    trained = Detections(torch.randn(2, 4, 6, 4), torch.rand(2, 4, 6, 4), focal=True)
    assert TASK.loss(trained, targets).ndim == TASK.loss(outputs, targets).ndim == 0
    assert float(TASK.loss(trained, targets, 0.1)) == float(TASK.loss(trained, targets))


def test_metrics_have_words_for_tables_and_sentences() -> None:
    assert [title(name) for name in TASK.metrics] == [words(name) for name in TASK.metrics] == ["mAP", "mAP@50"]


def test_the_task_is_known_without_torch() -> None:
    code = """import sys, nas.training.catalogue as c
c.load_task("detection")
print({"torch", "faster_coco_eval"} & sys.modules.keys())"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
