"""One architecture -> one outcome: what is measured, what rejects it, and how it fails."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from nas.config import make_config
from nas.costs.counts import cost
from nas.data import load
from nas.evaluation.catalogue import objective
from nas.evaluation.evaluator import Evaluator
from nas.evaluation.job import Job
from nas.evaluation.objectives import Objective, Reading
from nas.registry import OBJECTIVES
from nas.space.library import load_architecture

STAGE = {"block": "moat", "depth": 1, "width": 8, "stride": 2, "head_dim": 4}
NET = load_architecture(
    {"resolution": 8, "channels": 1, "classes": 10, "stem": {"kind": "conv", "width": 8}, "stages": [STAGE]}
)
RECIPE = {"epochs": 2, "subset": 64}


@pytest.fixture(scope="module")
def digits():
    return load("digits")


def evaluate(digits, architecture=NET, seed=7, **settings):
    config = make_config({"data": "digits", "device": "cpu", "recipe": RECIPE} | settings)
    return Evaluator(config, digits)(Job(0, architecture, seed))


def test_a_complete_outcome_has_every_objective_and_its_details(digits):
    outcome = evaluate(digits, objectives=("accuracy", "latency", "macs"))
    assert outcome.state == "complete"
    assert set(outcome.metrics) == {"accuracy", "latency", "macs", "params"}
    assert outcome.metrics["params"] == cost(NET).params
    assert outcome.metrics["macs"] == cost(NET).macs
    assert 0 <= outcome.metrics["accuracy"] <= 1
    assert len(outcome.losses) == 2
    assert outcome.readings["latency"]["median"] == outcome.metrics["latency"] > 0
    assert outcome.readings["latency"]["threads"] == 1
    assert set(outcome.seconds) == {"build", "measure", "train"}


def learnt(outcome):
    """All of an outcome but its times."""
    return replace(outcome, seconds={})


def test_the_same_seed_gives_the_same_outcome(digits):
    outcomes = [evaluate(digits, seed=seed, objectives=("accuracy", "params")) for seed in (1, 1, 2)]
    assert outcomes[0].metrics == outcomes[1].metrics
    assert learnt(outcomes[0]) == learnt(outcomes[1])
    assert learnt(outcomes[0]) != learnt(outcomes[2])


def test_one_job_leaves_nothing_for_the_next(digits):
    config = make_config({"objectives": ("accuracy", "params"), "device": "cpu", "recipe": RECIPE})
    evaluator = Evaluator(config, digits)
    first = evaluator(Job(0, NET, 1))
    evaluator(Job(1, replace(NET, resolution=16), 2))
    assert learnt(evaluator(Job(2, NET, 1))) == learnt(first)


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"maximum": {"params": 10.0}}, "params .* is above 10"),
        ({"maximum": {"latency": 1e-9}}, "latency .* is above 1e-09"),
        ({"minimum": {"macs": 1e12}}, "macs .* is below 1e"),
    ],
)
def test_a_limit_rejects_before_training(digits, limits, reason):
    import re

    outcome = evaluate(digits, **limits)
    assert outcome.state == "rejected"
    assert re.search(reason, outcome.reason)
    assert "train" not in outcome.seconds
    assert "accuracy" not in outcome.metrics


def test_a_diverged_training_keeps_what_came_before(digits):
    outcome = evaluate(digits, recipe=RECIPE | {"learning_rate": 1e30, "epochs": 3})
    assert outcome.state == "failed"
    assert "the loss became" in outcome.reason
    assert {"params", "macs", "latency"} <= set(outcome.metrics)
    assert "train" in outcome.seconds


def test_a_training_whose_last_step_leaves_no_numbers_has_failed(digits):
    """Its losses are finite, and its answers would be taken for the first class."""
    outcome = evaluate(digits, recipe=RECIPE | {"learning_rate": 1e30, "epochs": 1, "subset": 16, "batch_size": 16})
    assert outcome.state == "failed"
    assert "the network's answers became nan after the last step" in outcome.reason
    assert np.isfinite(outcome.losses).all()
    assert "accuracy" not in outcome.metrics


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (
            torch.OutOfMemoryError("CUDA out of memory. Tried to allocate\nmore"),
            "out of memory: CUDA out of memory. Tried",
        ),
        (MemoryError(), "out of memory: MemoryError"),
        (ValueError("first line\nsecond"), "ValueError: first line"),
        (RuntimeError(), "RuntimeError"),
    ],
)
def test_whatever_goes_wrong_ends_one_trial_with_its_reason(digits, monkeypatch, error, reason):
    def measure(_candidate, _effort):
        raise error

    _replace_latency(monkeypatch, Objective("minimize", measure=measure))
    outcome = evaluate(digits)
    assert outcome.state == "failed"
    assert outcome.reason.startswith(reason)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_measure_that_is_no_number_fails_the_trial(digits, monkeypatch, value):
    _replace_latency(monkeypatch, Objective("minimize", measure=lambda *_: Reading(value)))
    outcome = evaluate(digits)
    assert outcome.state == "failed"
    assert "latency is" in outcome.reason
    assert "latency" not in outcome.metrics


def _replace_latency(monkeypatch, latency: Objective):
    """Let the registry give another latency."""
    real = OBJECTIVES.get
    monkeypatch.setattr(OBJECTIVES, "get", lambda name: latency if name == "latency" else real(name))
    objective.cache_clear()


@pytest.fixture(autouse=True)
def _forget():
    yield
    objective.cache_clear()
