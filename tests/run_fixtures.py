"""Make finished searches by hand: real architectures from a small space, with values by a formula."""

from pathlib import Path
from typing import Any

import numpy as np

from nas.config import make_config
from nas.evaluation.job import Outcome, State
from nas.record.run import Run
from nas.record.trial import Trial
from nas.space.library import load_space

BLOCKS = ["conv", "mbconv", "transformer", "moat"]
SPACE: dict[str, Any] = {
    "name": "small",
    "resolution": 32,
    "classes": 10,
    "stem": {"kind": ["conv", "patchify"], "width": [16, 24]},
    "stages": [
        {"block": BLOCKS, "depth": [1, 2, 3], "width": [16, 24, 32], "stride": 1},
        {"block": BLOCKS, "depth": [1, 2, 3], "width": [32, 48], "stride": 2},
        {"block": BLOCKS, "depth": [1, 2, 3], "width": [48, 64], "stride": 2},
    ],
    "blocks": {"mbconv": {"expansion": [2, 4]}, "transformer": {"head_dim": [8, 16]}, "moat": {"head_dim": 8}},
}
ENVIRONMENT = {"python": "3.11.2", "versions": {"torch": "2.13.0", "optuna": "5.0.0"}, "device": "cpu", "commit": None}


def empty_run(folder: Path, **settings: Any) -> Run:
    """Make a run without a trial."""
    return Run.create(folder, make_config({"space": "small"} | settings), load_space(SPACE), ENVIRONMENT)


def offering(folder: Path, *stages: dict[str, Any], **settings: Any) -> Run:
    """Make a run without a trial of a space with these stages, such as optional ones."""
    space = load_space(SPACE | {"name": "offering", "stages": list(stages)})
    return Run.create(folder, make_config({"space": "offering"} | settings), space, ENVIRONMENT)


def stage(depth: int | list[int], stride: int = 1, width: int | list[int] = 32) -> dict[str, Any]:
    """Write a stage that offers any of the blocks."""
    return {"block": BLOCKS, "depth": depth, "width": width, "stride": stride}


def trial(run: Run, number: int, state: State = "complete", **changes: Any) -> Trial:
    """Make a finished trial of an architecture drawn from the run's space, with its number as the seed."""
    rng = np.random.default_rng(number)
    decisions, architecture = run.space.sample(rng)
    size = sum(s.depth * s.width**2 for s in architecture.stages)
    attends = sum(i for i, s in enumerate(architecture.stages) if s.block in ("transformer", "moat"))
    accuracy = float(0.97 - 9 / size**0.5 + 0.03 * attends + 0.04 * rng.standard_normal()).__round__(4)
    latency = float(0.2 + size / 6000 + 0.1 * rng.random())
    metrics = {"params": 12.0 * size, "macs": 900.0 * size, "latency": latency, "accuracy": min(accuracy, 0.99)}
    values: dict[str, Any] = {
        "metrics": metrics if state == "complete" else {"params": 12.0 * size},
        "readings": {"latency": {"median": latency, "iqr": latency / 40}},
        "seconds": {"build": 0.02, "train": size / 5000},
        "reason": "" if state == "complete" else "the loss became nan in epoch 2",
    }
    outcome = Outcome(state, **(values | changes))
    return Trial(number, decisions, architecture, architecture.key(), architecture.layout(), outcome)


def finished_run(folder: Path, complete: int = 12, failed: int = 1, rejected: int = 1, **settings: Any) -> Run:
    """Make a run with so many trials in each state."""
    run = empty_run(folder, **settings)
    states: list[State] = ["complete"] * complete + ["failed"] * failed + ["rejected"] * rejected
    for number, state in enumerate(states):
        run.append(trial(run, number, state))
    return run
