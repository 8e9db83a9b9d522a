"""Detectors are trained side by side as classifiers are, with a data set that a file offers."""

from pathlib import Path

from outside import forget
from small_detection import home

import nas


def test_a_search_of_detectors_has_two_workers(ray_here: None, tmp_path: Path) -> None:
    try:
        run = nas.search(budget=4, name="two", confirm=0, objectives=("map", "params"), sampler="random", workers=2,
                         device="cpu", **home(tmp_path))  # fmt: skip
    finally:
        forget()
    assert [trial.outcome.state for trial in run.trials] == ["complete"] * 4, run.trials
    assert all(0 <= trial.outcome.metrics["map"] <= 1 for trial in run.trials)
