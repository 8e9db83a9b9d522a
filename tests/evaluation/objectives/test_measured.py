"""Objectives that are known before training: values that go together, in the units they name."""

import pytest

from nas.config import make_config
from nas.costs.counts import cost
from nas.data import load
from nas.evaluation.evaluator import Evaluator
from nas.evaluation.job import Job
from nas.registry import OBJECTIVES
from nas.space.library import load_architecture

STAGE = {"block": "moat", "depth": 1, "width": 8, "stride": 2, "head_dim": 4}
NET = load_architecture(
    {"resolution": 8, "channels": 1, "classes": 10, "stem": {"kind": "conv", "width": 8}, "stages": [STAGE]}
)


@pytest.fixture(scope="module")
def outcome():
    settings = {
        "objectives": ("accuracy", "latency", "throughput", "memory", "training_memory"),
        "throughput_batch": 64,
        "recipe": {"subset": 32},
        "device": "cpu",
    }
    return Evaluator(make_config(settings), load("digits"))(Job(0, NET, 0))


@pytest.mark.long
def test_throughput_is_of_its_own_batch(outcome):
    assert outcome.state == "complete", outcome.reason
    assert outcome.readings["throughput"]["batch"] == 64
    assert outcome.readings["latency"]["batch"] == 1
    alone = 1e3 / outcome.metrics["latency"]
    assert outcome.metrics["throughput"] > 2 * alone, "a batch of so small a network is quicker than one by one"


def test_memory_holds_the_weights_and_training_more(outcome):
    weights = 4 * cost(NET).params
    assert weights < outcome.metrics["memory"] < outcome.metrics["training_memory"]
    assert outcome.readings["training_memory"]["batch"] == 16


@pytest.mark.parametrize("name", ["throughput", "energy"])
def test_what_is_elsewhere_cannot_be_timed_here(name):
    assert "elsewhere" in OBJECTIVES.get(name).missing(None)
