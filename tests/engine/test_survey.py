"""A look at a space: ranges, shares of limits, the time of a budget."""

from dataclasses import replace

import numpy as np
import pytest
from latency_spaces import tiny

from nas.config import make_config
from nas.costs.latency.predictor import Predictor, write_device
from nas.engine.calibrate import calibrate
from nas.engine.survey import survey
from nas.errors import SettingError
from nas.evaluation.evaluator import conditions_of
from nas.evaluation.limits import Limits
from nas.record.analysis.reliability import reliability
from nas.space.space import draw


def test_ranges_and_shares_are_those_of_the_networks():
    space = tiny()
    limits = Limits(make_config({}), conditions_of(make_config({})))
    params = [limits.tell("params", a) for a in draw(space, space.size())]
    limit = float(np.quantile(params, 0.5))
    found = survey(space, make_config({"maximum": {"params": limit}}), networks=12)
    assert (found.ranges["params"].smallest, found.ranges["params"].largest) == (min(params), max(params))
    assert 0.1 < found.shares["params"] < 0.9
    assert found.shares["all"] == found.shares["params"]
    for one in found.ranges.values():
        assert 0 < one.smallest <= one.median <= one.largest
    assert set(found.ranges) == {"macs", "params", "memory", "latency"}
    assert found.ranges["latency"].networks == 12
    assert found.seconds_per_trial is None


def test_a_trial_is_timed_on_the_data():
    config = make_config(
        {"data": "digits", "recipe": {"subset": 32}, "device": "cpu", "objectives": ("accuracy", "macs")}
    )
    found = survey(tiny(), config, networks=6, trial=True)
    assert 0 < found.seconds_per_trial < 60
    assert found.space.channels == 1


def test_a_ladder_that_is_kept_is_timed(tmp_path, monkeypatch):
    monkeypatch.setenv("NAS_CACHE", str(tmp_path))
    config = make_config({"data": "digits", "recipe": {"subset": 64}, "device": "cpu", "objectives": "accuracy,macs"})
    plain = survey(tiny(), config, networks=6, trial=True)
    run = calibrate(
        tiny(), networks=10, rungs=(1, 2), runs=tmp_path, data="digits", recipe={"subset": 64}, workers=1, device="cpu"
    )
    replace(reliability(run), ladder=(8, 16)).apply(run)
    assert survey(tiny(), config, networks=6, trial=True).seconds_per_trial > 4 * plain.seconds_per_trial


def test_what_is_timed_is_trained_though_few_networks_keep_the_limits():
    settings = {"data": "digits", "recipe": {"subset": 64, "epochs": 4}, "device": "cpu"}
    free = survey(tiny(), make_config(settings), networks=6, trial=True)
    smallest = free.ranges["params"].smallest
    tight = survey(tiny(), make_config(settings | {"maximum": {"params": smallest}}), networks=6, trial=True)
    assert tight.seconds_per_trial > 0.3 * free.seconds_per_trial


def test_a_limit_that_nothing_meets_is_refused():
    with pytest.raises(SettingError, match="every network of tiny is above"):
        survey(tiny(), make_config({"maximum": {"params": 5.0}}), networks=4)


def test_latency_on_a_device_elsewhere_is_predicted_and_held_to_its_limit(tmp_path):
    drawn = [replace(a, channels=3) for a in draw(tiny(), 12)]
    times = tuple((a, 0.1 * sum(s.depth for s in a.stages)) for a in drawn)
    write_device(tmp_path / "toaster.yaml", Predictor({"device": "a toaster"}, "tiny", times))
    settings = {"target": f"file:{tmp_path / 'toaster.yaml'}", "maximum": {"latency": 0.35, "params": 1e9}}
    found = survey(tiny(), make_config(settings), networks=32)
    one = found.ranges["latency"]
    assert (one.smallest, one.largest) == (pytest.approx(0.2, rel=0.1), pytest.approx(0.4, rel=0.1))
    shallow = float(np.mean([sum(s.depth for s in a.stages) < 4 for a in draw(tiny(), 32)]))
    assert found.shares == {"latency": shallow, "params": 1.0, "all": shallow}
    assert found.predictor.where["device"] == "a toaster"
    tight = survey(tiny(), make_config(settings | {"maximum": {"latency": 0.3}}), networks=32)
    assert tight.shares["latency"] < found.shares["latency"], "the prediction's doubt is counted in, as in a search"


def test_a_trial_is_timed_though_the_device_is_elsewhere(tmp_path):
    drawn = [replace(a, channels=1) for a in draw(tiny(), 12)]
    times = tuple((a, 0.1 * sum(s.depth for s in a.stages)) for a in drawn)
    write_device(tmp_path / "toaster.yaml", Predictor({"device": "a toaster"}, "tiny", times))
    settings = {"target": f"file:{tmp_path / 'toaster.yaml'}", "data": "digits", "recipe": {"subset": 32},
                "resolution": drawn[0].resolution, "device": "cpu"}  # fmt: skip
    assert 0 < survey(tiny(), make_config(settings), networks=6, trial=True).seconds_per_trial < 60
