"""A look at a space: ranges, shares of limits, the time of a budget."""

import numpy as np
import pytest
from latency_spaces import tiny

from nas.config import make_config
from nas.engine.survey import survey
from nas.errors import SettingError
from nas.evaluation.evaluator import conditions_of
from nas.evaluation.limits import Limits
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


def test_what_is_timed_is_trained_though_few_networks_keep_the_limits():
    settings = {"data": "digits", "recipe": {"subset": 64, "epochs": 4}, "device": "cpu"}
    free = survey(tiny(), make_config(settings), networks=6, trial=True)
    smallest = free.ranges["params"].smallest
    tight = survey(tiny(), make_config(settings | {"maximum": {"params": smallest}}), networks=6, trial=True)
    assert tight.seconds_per_trial > 0.3 * free.seconds_per_trial


def test_a_limit_that_nothing_meets_is_refused():
    with pytest.raises(SettingError, match="every network of tiny is above"):
        survey(tiny(), make_config({"maximum": {"params": 5.0}}), networks=4)
