"""Settings: what is allowed, what a budget and a limit look like, and what a wrong one is answered."""

import numpy as np
import pytest
import torch

from nas.config import Budget, SearchConfig, make_config, parse_budget
from nas.errors import SettingError
from nas.evaluation.limits import broken_limit
from nas.settings import parse_limits
from nas.training.catalogue import check_objective


def test_settings_survive_plain_data():
    config = make_config({"maximum": {"latency": 5.0}, "budget": Budget(seconds=90.0), "recipe": {"epochs": 3}})
    data = config.model_dump(mode="json")
    assert make_config({key: tuple(v) if isinstance(v, list) else v for key, v in data.items()}) == config


def test_the_defaults_are_the_main_job():
    config = SearchConfig()
    assert (config.space, config.data, config.objectives) == ("cvt_family", "cluttered_digits", ("accuracy", "latency"))
    assert config.budget.trials == 200


def test_settings_written_before_there_were_tasks_and_plugins_are_read():
    old = {
        key: value for key, value in SearchConfig().model_dump(mode="json").items() if key not in ("task", "plugins")
    }
    old = {key: tuple(value) if isinstance(value, list) else value for key, value in sorted(old.items())}
    assert make_config(old) == SearchConfig()
    assert make_config({"objectives": None}) == SearchConfig()
    assert (SearchConfig().task, SearchConfig().plugins) == ("classification", ())
    assert make_config({"plugins": ["mine.py"]}).plugins == ("mine.py",)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"sampler": "tpee"}, "unknown sampler 'tpee'. Did you mean 'tpe'"),
        ({"task": "classify"}, "unknown task 'classify'. Did you mean 'classification'"),
        (
            {"task": "segmentation"},
            "classification, detection. A task of your own comes with --plugins FILE.$",
        ),
        ({"executor": "locl"}, "unknown executor 'locl'. Did you mean 'local'"),
        ({"objectives": ("accuracy", "latncy")}, "unknown objective 'latncy'. Did you mean 'latency'"),
        ({"objectives": ("acuracy2", "latency")}, "Did you mean 'accuracy'.* Allowed: accuracy, (?!.*map)"),
        ({"task": "detection", "objectives": ("macs", "mp50")}, "Did you mean 'map50'.* Allowed: (?!.*accuracy)"),
        ({"objectives": ("map",)}, "objectives: name two or more by comma, found map. Allowed: accuracy, (?!.*map)"),
        ({"maximum": {"acuracy": 1.0}}, "unknown objective 'acuracy'. Allowed: (?!.*accuracy)"),
        ({"objectives": ("accuracy",)}, "objectives: name two or more by comma, found accuracy"),
        ({"objectives": ()}, "objectives: name two or more by comma, found none"),
        ({"objectives": ("macs", "params", "macs")}, "objectives: one is named twice"),
        ({"objectives": "accuracy"}, "objectives: name two or more by comma, found accuracy"),
        ({"maximum": {"size": 1.0}}, "unknown objective 'size'"),
        ({"maximum": {"latency": float("nan")}}, "maximum.latency: found nan"),
        ({"maximum": {"latency": float("inf")}}, "maximum.latency: found inf"),
        ({"maximum": {"latency": -1.0}}, "maximum.latency: found -1.0"),
        ({"seed": -1}, "seed: found -1; write a whole number from 0 to 4,294,967,295$"),
        ({"seed": 2**32}, "seed: found 4294967296"),
        ({"seed": 1.5}, "seed: found 1.5"),
        ({"resolution": 3}, "resolution: found 3"),
        ({"device": "tpu"}, "^device: found 'tpu'; write auto, cpu or cuda$"),
        ({"workers": 0}, "^workers: found 0; write auto, or a whole number from 1 to 100,000$"),
        ({"gpus_per_trial": 0.0}, "^gpus_per_trial: found 0.0; write auto, or a number above 0, at most 64$"),
        ({"log": (3,)}, "^log.0: found 3; write a text$"),
        ({"recipe": {"epochs": 0}}, "^epochs: found 0; write a whole number from 1 to 10,000$"),
        ({"recipe": {"epoch": 1}}, "unknown setting 'recipe.epoch'. Did you mean 'epochs'"),
        ({"recipe": {"learning_rate": float("nan")}}, "learning_rate: found nan"),
        ({"recipe": {"warmup": 1.0}}, "recipe.warmup: found 1.0"),
        ({"recipe": 3}, "recipe: found 3; write settings by their names"),
        ({"recipe": {"fall": 0.0}}, "recipe.fall: found 0.0"),
        ({"recipe": {"fall": 1.0}}, "recipe.fall: found 1.0; write a number above 0, below 1"),
        ({"recipe": {"warmup": 0.8}}, "recipe: warmup 0.8 and fall 0.3 are more than the whole"),
        ({"rungs": "1,x"}, "rungs: found '1,x'; write lengths, each longer than the one before: 1,3,9"),
        ({"rungs": (1.5, 3)}, "rungs: found"),
        ({"rungs": (3, 1)}, r"rungs: found \(3, 1\); write lengths, each longer than the one before"),
        ({"rungs": (1, 1)}, r"rungs: found \(1, 1\); write lengths"),
        ({"rungs": ()}, r"rungs: found \(\); write lengths"),
        ({"rungs": (0, 1)}, r"rungs: found \(0, 1\); write lengths"),
        ({"rungs": 3}, "rungs: found 3; write lengths"),
        ({"promotion": 0.0}, "promotion: found 0.0"),
        ({"promotion": 1.5}, "promotion: found 1.5"),
        ({"epochs": 3}, r"unknown setting 'epochs'; write recipe=\{'epochs': \.\.\.\}"),
        ({"sede": 3}, "unknown setting 'sede'. Did you mean 'seed'"),
        ({"budget": {}}, "budget: write either"),
        ({"budget": {"trials": 3, "seconds": 3.0}}, "budget: write either"),
        ({"budget": {"trials": 0}}, "budget.trials: found 0"),
    ],
)
def test_a_wrong_setting_is_named(settings, says):
    with pytest.raises(SettingError, match=says):
        make_config(settings)


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        (Budget(trials=5), Budget(trials=5)),
        ("200", Budget(trials=200)), (7, Budget(trials=7)), (" 3 ", Budget(trials=3)), ("90s", Budget(seconds=90.0)),
        ("30m", Budget(seconds=1800.0)), ("1.5h", Budget(seconds=5400.0)), ("1d", Budget(seconds=86400.0)),
    ],
)  # fmt: skip
def test_a_budget_is_a_number_or_a_time(text, budget):
    assert parse_budget(text) == budget


def test_a_budget_of_one_is_said_in_the_singular() -> None:
    assert [str(Budget(trials=count)) for count in (1, 2)] == ["1 architecture", "2 architectures"]


@pytest.mark.parametrize(
    "text", ["", "0", "0s", "-5", "1e3", "5 m", "m", "30w", "nan", "inf", "9" * 50, "1000001", "½", "٣x", 2.5]
)
def test_no_other_text_is_a_budget(text):
    with pytest.raises(SettingError, match="budget: found"):
        parse_budget(text)


def limits(texts):
    return parse_limits(texts, "--max", check_objective, "OBJECTIVE=NUMBER")


def test_limits_are_read_by_objective():
    assert limits(["latency=5", " params = 2e6"]) == {"latency": 5.0, "params": 2e6}
    assert limits([]) == {}


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        (["latency"], "--max latency: write OBJECTIVE=NUMBER"),
        (["latency="], "--max latency=: write"),
        (["latency=fast"], "--max latency=fast: write"),
        (["latncy=5"], "Did you mean 'latency'"),
        (["=5"], "unknown objective ''"),
        (["latency=5", "latency=6"], "--max latency=6: there is a number for latency already"),
    ],
)
def test_a_wrong_limit_is_named(texts, says):
    with pytest.raises(SettingError, match=says):
        limits(texts)


def test_a_broken_limit_is_put_into_words():
    config = make_config({"maximum": {"params": 100.0}, "minimum": {"macs": 10.0}})
    assert broken_limit(config, {"params": 100.0, "macs": 10.0}) == ""
    assert broken_limit(config, {"params": 101.0}) == "params 101 is above 100"
    assert broken_limit(config, {"macs": 9.0}) == "macs 9 is below 10"
    assert broken_limit(config, {}) == ""


@pytest.mark.parametrize("budget", [3, 3.0, np.int64(3), np.float64(3), torch.tensor(3), "3"])
def test_a_budget_may_be_any_whole_number(budget):
    assert parse_budget(budget) == Budget(trials=3)


def test_half_an_architecture_is_no_budget():
    with pytest.raises(SettingError, match=r"found '2\.5'"):
        parse_budget(2.5)
