"""The command that repeats a search."""

import shlex
from math import ceil
from pathlib import Path
from typing import Any

import pytest
import typer
from run_fixtures import empty_run, finished_run

from nas.cli.options import OFFERED, read_settings
from nas.cli.search import search
from nas.config import SearchConfig, make_config
from nas.record.command import going_on, repeating, resumed, unsaid
from nas.record.run import Run


def understood(command: str) -> SearchConfig:
    """The settings that the command line reads from a command."""
    program, name, *words = shlex.split(command)
    assert (program, name) == ("nas", "search")
    commands = typer.Typer(add_completion=False)
    commands.command("search")(search)
    typed = typer.main.get_command(commands).make_context("search", words).params
    return make_config(read_settings({option: typed[option] for option in OFFERED}))


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"budget": "90.5s", "rungs": (1, 3, 9), "promotion": 1 / 3, "workers": 1, "seed": 7, "confirm": 0},
        {"maximum": {"latency": 5.25, "params": 1234567.0}, "minimum": {"throughput": 1e-7}, "pick": "latency<=2"},
        {"objectives": ("accuracy", "params", "macs"), "scores": ("synflow", "naswot"), "prefilter": {"naswot": 0.5}},
        {"data": "image_folder:my 'photos'; rm", "seed_with": ("coatnet_0", "moat_0"), "trial_timeout": 30.0},
        {"recipe": {"epochs": 3, "learning_rate": 0.0123456789, "mirror": "never"}, "resolution": 48, "device": "cpu"},
    ],
)
def test_the_command_line_reads_the_very_settings(tmp_path: Path, settings: dict[str, Any]) -> None:
    run = empty_run(tmp_path / "a run", **{"space": "cvt_family"} | settings)
    assert understood(repeating(run)) == run.config
    assert understood(repeating(run, sampler="random")) == run.config.model_copy(update={"sampler": "random"})


def test_that_reports_end_is_written_as_it_is_typed(tmp_path: Path) -> None:
    run = empty_run(tmp_path / "run", log=("tensorboard",))
    run.go_by(run.config.model_copy(update={"log": ()}))
    assert resumed(Run(run.folder)) == ("--log tensorboard", "--log none")


def test_what_is_the_default_is_not_written(tmp_path: Path) -> None:
    run = empty_run(tmp_path / "run", space="cvt_family", rungs="auto")
    command = "nas search --space cvt_family --data cluttered_digits --budget 200 --seed 0"
    assert repeating(run).removesuffix(" --rungs 1") == command


def test_a_space_of_ones_own_is_that_of_the_run(tmp_path: Path) -> None:
    run = empty_run(tmp_path / "run", space="mine.yaml")
    assert understood(repeating(run)).space == str(run.folder / "space.yaml")


def test_earlier_runs_are_looked_for_where_the_run_is(tmp_path: Path) -> None:
    run = empty_run(tmp_path / "run", space="cvt_family")
    run.config = run.config.model_copy(update={"warm_start": ("first",)})
    assert repeating(run).endswith(f"--warm-start first --seed 0 --rungs 1 --runs {tmp_path}")
    run.config = run.config.model_copy(update={"warm_start": (), "seed_with": ("first:accuracy",)})
    assert repeating(run).endswith(f"--seed-with first:accuracy --seed 0 --rungs 1 --runs {tmp_path}")


def test_what_no_option_sets_is_named(tmp_path: Path) -> None:
    assert unsaid(empty_run(tmp_path / "plain", recipe={"epochs": 2})) == []
    run = empty_run(tmp_path / "run", recipe={"epochs": 2, "shift": 0, "weight_decay": 0.1, "initial": "paper"})
    assert unsaid(run) == ["recipe.weight_decay 0.1", "recipe.shift 0", "recipe.initial paper"]


@pytest.mark.parametrize(
    ("budget", "option"),
    [
        ({"trials": 3}, " --budget 6"),
        ({"trials": 200}, ""),
        ({"seconds": 3600}, ""),
        ({"seconds": 0.5}, " --budget {}s"),
    ],
)
def test_a_search_goes_on_with_more_budget_where_it_is_spent(
    tmp_path: Path, budget: dict[str, float], option: str
) -> None:
    run = finished_run(tmp_path / "a run", complete=2, failed=1, rejected=1, budget=budget)
    assert going_on(run) == f"nas resume '{run.folder}'" + option.format(ceil(run.elapsed + 0.5))
