"""Limits before training: extremes of a space, refusals, and searches that keep to what is feasible."""

from dataclasses import replace

import numpy as np
import pytest
from latency_spaces import tiny

from nas.config import make_config
from nas.costs.counts import cost
from nas.costs.memory import inference_memory, training_memory
from nas.errors import SettingError
from nas.evaluation.evaluator import conditions_of
from nas.evaluation.limits import Limits, broken_limit
from nas.space.library import load_space
from nas.space.space import SearchSpace, draw
from nas.training.catalogue import load_task


def limits_of(config, predictor=None) -> Limits:
    return Limits(config, conditions_of(config, predictor))


def every(space: SearchSpace):
    """All networks of a small space."""
    return draw(space, space.size())


def test_extremes_are_those_of_the_whole_space():
    space = tiny()
    limits = limits_of(make_config({}))
    for name in ("params", "macs"):
        values = [limits.tell(name, a) for a in every(space)]
        for side, best in (("minimum", min), ("maximum", max)):
            value, architecture = limits.extreme(space, name, side)
            assert value == best(values)
            assert getattr(cost(architecture), name) == value
    assert limits.extreme(space, "accuracy", "maximum") is None


def test_an_extreme_is_found_where_a_kinds_first_options_hide_it():
    """MBConv is larger than a convolution by its first options, and smaller by its last."""
    stage = {"block": ["conv", "mbconv"], "depth": [3, 2, 1], "width": [64, 32], "stride": 2}
    options = {"conv": {"kernel_size": [3]}, "mbconv": {"expansion": [6, 4, 1], "kernel_size": [7, 5, 3]}}
    space = load_space({"name": "hidden", "resolution": 32, "stem": {"kind": "conv", "width": 16},
                        "stages": [stage] * 6, "blocks": options})  # fmt: skip
    wanted = {"block": "mbconv", "expansion": 1, "kernel_size": 3, "depth": 1, "width": 32}
    _, least = space.record(lambda name, values: wanted[name.rsplit(".", 1)[-1]])
    limits = limits_of(make_config({}))
    assert limits.extreme(space, "params", "minimum")[1].key() == least.key()
    limits_of(make_config({"maximum": {"params": limits.tell("params", least)}})).check(space)


def test_an_extreme_is_one_of_the_networks_of_which_the_decisions_tell_a_number(monkeypatch):
    space = tiny()
    limits, told = limits_of(make_config({})), sorted({cost(one).params for one in every(space)})

    def some(_limits, name, architecture):
        params = cost(architecture).params
        return {told[0]: float("nan"), told[1]: None}.get(params, float(params))

    monkeypatch.setattr(Limits, "tell", some)
    assert limits.extreme(space, "params", "minimum")[0] == told[2]
    monkeypatch.setattr(Limits, "tell", lambda *_: float("nan"))
    assert limits.extreme(space, "params", "minimum") is None


def test_what_the_decisions_tell_is_what_is_measured_later():
    limits = limits_of(make_config({"recipe": {"batch_size": 4}}))
    architecture = tiny().largest()
    expected = cost(architecture)
    assert limits.tell("params", architecture) == expected.params
    assert limits.tell("macs", architecture) == expected.macs
    assert limits.tell("memory", architecture) == inference_memory(architecture)
    assert limits.tell("training_memory", architecture) == training_memory(architecture, 4, load_task("classification"))
    assert limits.tell("latency", architecture) is None


def test_a_limit_that_nothing_meets_is_refused_with_the_nearest():
    space = tiny()
    limits = limits_of(make_config({}))
    smallest = int(min(limits.tell("params", a) or 0 for a in every(space)))
    largest = int(max(limits.tell("macs", a) or 0 for a in every(space)))
    limits_of(make_config({"maximum": {"params": float(smallest)}})).check(space)
    with pytest.raises(
        SettingError, match=rf"--max params=10: every network of tiny is above .* has params={smallest} "
    ):
        limits_of(make_config({"maximum": {"params": 10.0}})).check(space)
    with pytest.raises(SettingError, match=rf"--min macs=1e\+12: every network of tiny is below .* macs={largest} "):
        limits_of(make_config({"minimum": {"macs": 1e12}})).check(space)
    odd = make_config({"maximum": {"params": smallest - 1.0}})
    with pytest.raises(SettingError, match=rf"params={smallest - 1}: every network .* has params={smallest} "):
        limits_of(odd).check(space)


def test_refusals_are_in_words():
    limits = limits_of(make_config({"maximum": {"params": 1000.0}, "minimum": {"memory": 1.0}}))
    assert limits.refusal(tiny().largest()).startswith("params ")
    assert limits_of(make_config({})).refusal(tiny().largest()) == ""
    near = make_config({"maximum": {"params": 1234567.0}, "minimum": {"latency": 0.25}})
    assert broken_limit(near, {"params": 1234568.0}) == "params 1234568 is above 1234567"
    assert broken_limit(near, {"latency": 0.2}) == "latency 0.2 is below 0.25"


class Stub:
    """A device on which a network takes as many milliseconds as it has stages' blocks."""

    class error:  # noqa: N801
        above = 0.25

    def predict(self, architecture):
        return float(sum(stage.depth for stage in architecture.stages))


def test_a_predicted_latency_keeps_its_limit_with_what_it_may_be_off():
    architecture = tiny().largest()  # 4 blocks
    for limit, refused in ((4.5, True), (5.1, False)):
        limits = limits_of(make_config({"maximum": {"latency": limit}}), Stub())
        assert bool(limits.refusal(architecture)) == refused
    assert limits.maximum["latency"] == pytest.approx(5.1 / 1.25)
    assert limits.cheap(architecture) == {"latency": 4.0}
    asked = limits_of(make_config({"objectives": ("accuracy", "memory", "macs")}))
    assert asked.cheap(architecture).keys() == {"macs"}, "memory takes too long to ask for thousands"


@pytest.mark.parametrize("sampler", ["random", "tpe", "pareto"])
def test_a_search_trains_what_is_feasible(tmp_path, sampler):
    """A twentieth of the space is small enough: all that is trained is, and no refusal stands in the record."""
    import nas

    space = replace(tiny(), classes=10)
    limits = limits_of(make_config({}))
    limit = float(np.quantile([limits.tell("params", replace(a, channels=1)) for a in every(space)], 0.05))
    from nas import document
    from nas.space.grammar import to_dict

    (tmp_path / "tiny.yaml").write_text(document.dump(to_dict(space)))
    run = nas.search(
        tmp_path / "tiny.yaml", data="digits", budget=6, runs=tmp_path, sampler=sampler, device="cpu",
        objectives=("accuracy", "macs"), maximum={"params": limit}, recipe={"subset": 32}, workers=1, confirm=0,
    )  # fmt: skip
    assert len(run.spent) == 6
    assert all(trial.metrics["params"] <= limit for trial in run.spent)
    assert not [t for t in run.trials if t.state == "rejected"]
