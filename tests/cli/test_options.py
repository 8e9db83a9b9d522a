"""The options that are made from settings: which there are, what is typed, and what it comes to."""

from inspect import signature
from typing import Any

import pytest
from command import Command

from nas.cli.options import OFFERED, read_settings
from nas.cli.search import search
from nas.config import GROUPS, SearchConfig, make_config
from nas.errors import SettingError
from nas.training.recipe import Recipe


def test_every_setting_is_offered_once_but_those_without_a_flag() -> None:
    fields = [name for group in GROUPS for name in group.model_fields]
    assert sorted(fields) == sorted(SearchConfig.model_fields)
    silent = {"weight_decay", "warmup", "fall", "label_smoothing", "clip", "drop_path", "shift", "cutout", "initial"}
    assert OFFERED.keys() == {*fields, *Recipe.model_fields} - silent - {"executor", "recipe"}
    assert signature(search).parameters.keys() == OFFERED.keys() | {"as_json", "name", "runs"}


def test_a_meaning_is_short() -> None:
    assert not [name for name, offered in OFFERED.items() if len(offered.flag.meaning) > 60]


def test_the_defaults_typed_are_the_defaults() -> None:
    assert make_config(read_settings({name: offered.default() for name, offered in OFFERED.items()})) == SearchConfig()


@pytest.mark.parametrize(
    ("typed", "settings"),
    [
        ({"objectives": "accuracy, macs,params"}, {"objectives": ("accuracy", "macs", "params")}),
        ({"seed_with": "coatnet_0, moat_0,"}, {"seed_with": ("coatnet_0", "moat_0")}),
        ({"warm_start": ""}, {"warm_start": ()}),
        ({"maximum": ["latency=5", "params=2e6"]}, {"maximum": {"latency": 5.0, "params": 2e6}}),
        ({"prefilter": ["naswot=0.5"]}, {"prefilter": {"naswot": 0.5}}),
        ({"plugins": ["a.py", "b,c.py"]}, {"plugins": ("a.py", "b,c.py")}),
        ({"workers": "3", "gpus_per_trial": "0.25"}, {"workers": 3, "gpus_per_trial": 0.25}),
        ({"workers": "auto"}, {"workers": "auto"}),
        ({"epochs": 2, "subset": None, "seed": 1}, {"recipe": {"epochs": 2}, "seed": 1}),
    ],
)
def test_what_is_typed_becomes_settings(typed: dict[str, Any], settings: dict[str, Any]) -> None:
    assert read_settings(typed) == settings
    make_config(settings)


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ({"minimum": ["throughput"]}, "--min throughput: write OBJECTIVE=NUMBER, such as --min latency=5"),
        ({"prefilter": ["naswot"]}, "--prefilter naswot: write SCORE=NUMBER, such as --prefilter jacob_cov=0.5"),
        ({"gpus_per_trial": "half"}, "--gpus-per-trial half: write a number or auto"),
        ({"budget": "soon"}, "budget: found 'soon'"),
    ],
)
def test_an_error_names_the_option_as_it_is_typed(typed: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingError, match=says):
        read_settings(typed)


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        (["search", "--data", ""], "--data"),
        (["search", "--data=", "--budget", 2], "--data"),
        (["search", "--warm-start", ""], "--warm-start"),
        (["export", "first", "-o", ""], "-o"),
        (["resume", "first", "--budget", ""], "--budget"),
        (["latency", "fit", ""], "fit"),
        (["show", ""], "show"),
    ],
)
def test_an_empty_text_is_refused_as_no_default_was_asked_for(nas: Command, typed: list[Any], name: str) -> None:
    answer = nas(*typed)
    assert (answer.status, answer.err) == (2, f"error: {name}: found an empty text; write one, or leave it out\n")


def test_the_options_stand_in_the_panels_of_their_groups(nas: Command) -> None:
    panels: list[list[str]] = []
    for row in nas("search", "--help").out.splitlines():
        if row.startswith("╭"):
            panels.append([row.strip("╭─╮ ")])
        elif row.startswith("│ --"):
            panels[-1].append(row.split()[1])
    assert [panel[0] for panel in panels] == ["Options", *(group.panel for group in GROUPS[1:])]
    assert panels[0][-4:] == ["--json", "--name", "--runs", "--help"]
    own = ["--resolution", "--rungs", "--promotion"]
    assert panels[2][1:] == ["--seed", "--split-seed"]
    short = ["--epochs", "--batch-size", "--learning-rate", "--subset", "--validation", "--mirror"]
    assert panels[3][1:] == [*own, *short]


def test_a_profile_holds_the_limits_of_the_settings_it_shares(nas: Command) -> None:
    shown = " ".join(nas("profile", "--help").out.split())
    for words in ("N [1<=x<=1024]", "N [1<=x<=65536]", "PIXELS [4<=x<=2048]"):
        assert words in shown
