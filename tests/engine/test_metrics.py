"""Each metric of classification is an objective of a search, from the command to the file of the winner."""

import json
from pathlib import Path

import pytest
from command import Command

METRICS = ("accuracy", "top5", "balanced_accuracy", "macro_f1")


def test_every_metric_is_weighed_recorded_shown_and_picked_by(tiny: Path, tmp_path: Path, nas: Command) -> None:
    asked = ",".join((*METRICS, "macs"))
    answer = nas("search", "--space", tiny, "--data", "digits", "--objectives", asked, "--budget", 3, "--epochs", 1,
                 "--subset", 100, "--confirm", 1, "--workers", 1,
                 "--runs", tmp_path / "runs", "--name", "all")  # fmt: skip
    assert answer.status == 0, answer.err
    assert "warn" not in (answer.out + answer.err).lower()
    trials = [json.loads(line) for line in (tmp_path / "runs/all/trials.jsonl").read_text().splitlines()]
    for trial in trials:
        values = trial["outcome"]["metrics"]
        assert all(0 <= values[name] <= 1 for name in METRICS)
        assert values["accuracy"] <= values["top5"]
    page = (tmp_path / "runs/all/report.html").read_text()
    assert all(word in page for word in ("Top-5 accuracy", "Balanced accuracy", "Macro F1"))
    for name in METRICS:
        picked = nas("export", tmp_path / "runs/all", "--pick", name, "-o", tmp_path / f"{name}.yaml")
        assert picked.status == 0, picked.err


@pytest.mark.parametrize(("name", "meant"), [("top_5", "top5"), ("balanced", "balanced_accuracy"), ("f1", "macro_f1")])
def test_a_near_miss_is_told_the_name(name: str, meant: str, nas: Command) -> None:
    answer = nas("search", "--objectives", f"{name},latency", "--budget", 1)
    assert answer.status == 2
    assert meant in answer.err
