"""Searches in processes of their own, ended from outside: what stands in the record, and what a resume makes of it."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from forks import Forked
from processes import left_behind

pytestmark = pytest.mark.long


def start(folder: Path, budget: int, workers: int = 2) -> Forked:
    """A search, or its resume, that notes each training's start and end in files of the folder."""
    return Forked([str(folder), str(budget), str(workers)], folder, "executor_searches:noted_search")


def record(folder: Path) -> list[dict[str, Any]]:
    path = folder / "run" / "trials.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def wait_for_trials(folder: Path, count: int, process: Forked) -> None:
    end = time.monotonic() + 90
    while len(record(folder)) < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, f"only {len(record(folder))} trials"
        time.sleep(0.02)


def finish(folder: Path, budget: int, workers: int = 2) -> None:
    process = start(folder, budget, workers)
    told = process.communicate(timeout=240)
    assert process.returncode == 0, told


def kill_and_resume(folder: Path, budget: int, kills: int) -> None:
    chance = random.Random(0)
    for kill in range(kills):
        process = start(folder, budget)
        wait_for_trials(folder, min((kill + 1) * budget // (kills + 2), budget - 1), process)
        time.sleep(chance.random() * 0.3)
        process.kill()
        process.wait()
    finish(folder, budget)
    check(folder, budget)


def check(folder: Path, budget: int) -> None:
    trials = record(folder)
    assert [t["outcome"]["state"] for t in trials] == ["complete"] * budget
    assert max(Counter(t["key"] for t in trials).values()) == 1, "an architecture stands there twice"
    assert max(Counter(t["number"] for t in trials).values()) == 1
    begun, ended = ((folder / f"{name}.log").read_text().split() for name in ("begun", "ended"))
    recorded = {t["key"] for t in trials}
    assert set(begun) == recorded, "an interrupted trial was not repeated"
    assert recorded <= set(ended)


@pytest.mark.faults
def test_thirty_kills_lose_nothing(tmp_path: Path) -> None:
    kill_and_resume(tmp_path, budget=96, kills=30)


@pytest.mark.parametrize("number", [pytest.param(signal.SIGINT, marks=pytest.mark.faults), signal.SIGTERM])
def test_a_signal_ends_the_search_within_seconds(tmp_path: Path, number: signal.Signals) -> None:
    process = start(tmp_path, budget=10_000)
    wait_for_trials(tmp_path, 2, process)
    process.send_signal(number)
    asked = time.monotonic()
    output, _ = process.communicate(timeout=30)
    assert time.monotonic() - asked < 10
    assert "stopped by the keyboard" in output
    assert all(trial["outcome"]["state"] == "complete" for trial in record(tmp_path))
    assert not left_behind(process.pid), "Ray's processes live on"


@pytest.mark.faults
def test_a_node_is_lost_and_another_joins(tmp_path: Path) -> None:
    process = subprocess.run(
        [sys.executable, "-c", f"from executor_searches import cluster_search; cluster_search({str(tmp_path)!r})"],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "HOME": str(tmp_path)},
        capture_output=True, text=True, check=False, timeout=400,
    )  # fmt: skip
    assert process.returncode == 0, process.stderr
    told = json.loads((tmp_path / "told.json").read_text())
    assert {n: outcome["reason"] for n, outcome in told.items() if outcome["state"] != "complete"} == {}
    lost = [outcome["lost"] for outcome in told.values() if outcome["lost"]]
    assert len(lost) in (1, 2), "the trial on the lost node is told apart, and another one that waited at most"
    assert all(len(reasons) <= 3 for reasons in lost)
    begun = (tmp_path / "begun.log").read_text().split()
    assert len(told) <= len(begun) <= len(told) + 1, "at most the trial on the lost node runs once more"
    workers = {outcome["readings"]["test"]["pid"] for outcome in told.values()}
    assert len(workers) >= 3, "the node that joined was given nothing"
