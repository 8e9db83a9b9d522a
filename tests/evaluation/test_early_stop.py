"""A training is watched at its rungs, and ended there by a judge's verdict."""

import pytest

from nas.config import make_config
from nas.data import load
from nas.errors import DivergedError
from nas.evaluation.early_stop import PrunedError, Rungs, Verdict
from nas.evaluation.evaluator import Evaluator
from nas.evaluation.job import Job
from nas.space.library import load_architecture


def test_rungs_are_the_mean_losses_since_the_rung_before():
    rungs = Rungs(None, {})
    for step in range(1, 9):
        rungs(step / 8, float(step))
    assert rungs.losses == [1.5, 3.5]


def test_a_verdict_ends_the_training_at_its_rung():
    rungs = Rungs(lambda losses, known: Verdict(0.25, "is hopeless") if len(losses) == 2 else None, {"latency": 1.0})
    for step in (1, 2, 3):
        rungs(step / 8, 1.0)
    with pytest.raises(PrunedError, match="after 50% of its training is hopeless") as error:
        rungs(4 / 8, 1.0)
    assert error.value.expected == 0.25


def test_a_loss_that_is_no_number_ends_the_training():
    with pytest.raises(DivergedError, match="became nan within 25%"):
        Rungs(None, {})(0.25, float("nan"))


def hopeless(losses, known):
    """A judge that stops everything; it knows the costs."""
    assert known["macs"] > 0
    return Verdict(0.1, "is hopeless")


def test_a_stopped_trial_keeps_what_was_known_of_it():
    stage = {"block": "conv", "depth": 1, "width": 8, "stride": 2}
    net = load_architecture({"resolution": 8, "channels": 1, "stem": {"kind": "conv", "width": 8}, "stages": [stage]})
    config = make_config({"data": "digits", "objectives": ("accuracy", "macs"), "recipe": {"subset": 128}})
    outcome = Evaluator(config, load("digits"))(Job(0, net, 1, judge=hopeless))
    assert outcome.state == "pruned"
    assert outcome.reason == "after 25% of its training is hopeless"
    assert set(outcome.metrics) == {"params", "macs"}
    assert outcome.expected == 0.1
    assert len(outcome.rungs) == 1
    assert outcome.seconds["train"] > 0
