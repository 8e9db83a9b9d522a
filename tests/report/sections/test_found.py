"""What was asked and found, in sentences."""

import html
import re
from pathlib import Path
from typing import Any

import pytest
from run_fixtures import ENVIRONMENT, SPACE, finished_run, trial

from nas.config import make_config
from nas.evaluation.job import Outcome
from nas.record.run import PREDICTOR, Run
from nas.record.trial import Further
from nas.report.page import render
from nas.space.library import load_space


def header(run: Run) -> str:
    """The words at the top of a run's page."""
    page = render(run)
    top = re.sub("<[^>]+>", "", page[page.index("<header>") : page.index("</header>")])
    return " ".join(html.unescape(top).split()).replace(" .", ".").replace(" ,", ",")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "looked for networks of high accuracy and low latency, with a budget of 200 architectures."),
        ({"budget": "90m"}, "with a budget of 1 h 30 min."),
        (
            {"objectives": ("accuracy", "latency", "params"), "maximum": {"latency": 2.5}},
            "networks of high accuracy, low latency and low parameters, latency at most 2.50 ms, with",
        ),
        (
            {"latency_batch": 8, "threads": 2},
            "Latency is that of 8 images at once on cpu (PyTorch operator by operator, 2 threads, float32).",
        ),
        (
            {"target": "onnxruntime"},
            "one image at a time on a device that is not noted (target onnxruntime, 1 thread, float32).",
        ),
        ({"recipe": {"epochs": 3}}, "were trained on cluttered_digits for 3 epochs each in"),
        ({"rungs": (1, 9)}, "were trained on cluttered_digits for 1 epoch at least and 9 epochs at most in"),
    ],
)
def test_what_was_asked_is_told(tmp_path: Path, settings: dict[str, Any], said: str) -> None:
    assert said in header(finished_run(tmp_path / "run", **settings))


def test_values_have_intervals_of_further_trainings(tmp_path: Path) -> None:
    run = finished_run(tmp_path / "run", complete=20)
    for chosen in run.front():
        for repeat, shift in ((1, -0.01), (2, 0.01)):
            values = chosen.trial.metrics | {"accuracy": chosen.trial.metrics["accuracy"] + shift}
            run.append_further(Further(chosen.number, repeat, Outcome("complete", values)))
    best = run.pick("accuracy")
    text = header(run)
    value, width = 100 * best.metrics["accuracy"], 100 * best.intervals["accuracy"]
    assert f"The best accuracy, that of trial {best.number} ({best.layout}), is {value:.2f} ± {width:.2f} %." in text
    assert "± is the 95 % interval of the mean of further trainings from other seeds." in text


def test_without_further_trainings_the_interval_is_that_of_the_images(tmp_path: Path) -> None:
    data = {"parts": {"train": 20, "validation": 400}, "classes": ["a", "b"], "counts": [200, 220]}
    run = Run.create(tmp_path / "run", make_config({"space": "small"}), load_space(SPACE), ENVIRONMENT, data=data)
    run.append(trial(run, 0, metrics={"accuracy": 0.9, "latency": 1.0, "params": 1.0, "macs": 1.0}))
    text = header(run)
    assert (
        f"The best accuracy, that of trial 0 ({run.trials[0].layout}), is 90.0 % (95 % interval 86.7 to 92.6)." in text
    )
    assert "is what 400 validation images leave open; by how much another training would differ is not known." in text


def test_a_latency_measured_at_the_end_stands_beside_the_predicted_one(tmp_path: Path) -> None:
    run = finished_run(tmp_path / "run")
    run.write_facts(PREDICTOR, {"error": {"networks": 32, "median": 0.02, "high": 0.05, "tau": 0.9}})
    knee = run.pick("knee")
    run.keep_front_reading("latency", knee.key, 12.5, {})
    text = header(run)
    assert f"latency {knee.metrics['latency']:.2f} ms (12.5 ms as measured at the end)" in text
    assert "predicted from measured blocks and networks." in text


def test_the_ends_of_the_front_are_named(tmp_path: Path) -> None:
    run = finished_run(tmp_path / "run", complete=20)
    first, last = run.front()[0].metrics, run.front()[-1].metrics
    text = header(run)
    assert f"The front goes from {100 * first['accuracy']:.2f} % at" in text
    assert f"to {100 * last['accuracy']:.2f} % at" in text


def test_too_few_further_trainings_for_an_interval_are_told_by_their_ends(tmp_path: Path) -> None:
    run = finished_run(tmp_path / "run", complete=1, failed=0)
    for repeat, accuracy in enumerate((0.7, 0.82), 1):
        run.append_further(Further(0, repeat, Outcome("complete", run.trials[0].metrics | {"accuracy": accuracy})))
    text = header(run)
    assert "is 76.00 % (mean of 2 further trainings, 70.00 % to 82.00 %)." in text
    assert "how much another training would differ is not known" not in text


def test_a_subset_of_the_training_images_is_named(tmp_path: Path) -> None:
    data = {"parts": {"train": 2000, "validation": 400}, "classes": ["a", "b"], "counts": [1200, 1200]}
    config = make_config({"space": "small", "recipe": {"subset": 300}})
    run = Run.create(tmp_path / "run", config, load_space(SPACE), ENVIRONMENT, data=data)
    run.append(trial(run, 0))
    assert "for 1 epoch, on 300 of the 2,000 training images, in" in header(run)


def test_boxes_are_counted_class_by_class(tmp_path: Path) -> None:
    data = {
        "parts": {"train": 2000, "validation": 400},
        "classes": [*"abcdefghij"],
        "counts": [*range(11, 21)],
        "bare": 30,
    }
    run = Run.create(tmp_path / "run", make_config({"space": "small"}), load_space(SPACE), ENVIRONMENT, data=data)
    run.append(trial(run, 0))
    text = " ".join(re.sub("<[^>]+>", "", render(run)).split())
    assert "with 155 boxes of 10 classes, from 11 boxes (class a) to 20 (class j); 30 images have none." in text
    assert "Boxes of each class" in text
