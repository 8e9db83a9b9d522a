"""Small searches with objectives from outside that fail, or give values of other libraries."""

from pathlib import Path

import pytest
from outside import HEAD, offered
from outside import site as site
from small_searches import search

from nas.config import make_config
from nas.engine.search import resume
from nas.engine.survey import survey
from nas.engine.watcher import Watcher
from nas.errors import RunError, SettingError
from nas.record.run import Run
from nas.space.library import load_space


@pytest.mark.parametrize(
    "kind",
    [
        "Objective('minimize', known=lambda one: np.float32(one.architecture.stages[0].width))",
        "Objective('minimize', known=lambda one: torch.tensor(2.5))",
        "Objective('minimize', measure=lambda one, effort: Reading(3, {'gap': float('nan')}))",
        "Objective('minimize', measure=lambda one, effort: Reading(np.int64(3), {'times': np.ones((2, 2))}))",
        "Objective('minimize', measure=lambda one, effort: Reading(3, {'mean': np.float32(1), 't': torch.ones(2)}))",
    ],
)
def test_values_of_other_libraries_are_recorded_as_numbers(site: Path, tmp_path: Path, space: Path, kind: str) -> None:
    plugins = offered(tmp_path, f"mine = {kind}\n")
    run = search(space, "a", 2, objectives=("accuracy", "mine"), plugins=plugins, confirm=0)
    assert [trial.state for trial in run.trials] == ["complete"] * 2
    assert all(type(trial.metrics["mine"]) is float for trial in run.trials)
    assert Run(run.folder).trials == run.trials


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        (
            "measure=lambda one, effort: {}['gone']",
            r"mine\.py:\d+: measure\(.*\) of objective 'mine': KeyError: 'gone'",
        ),
        ("measure=lambda one, effort: 3.0", r"measure\(.*\) of objective 'mine': found 3.0; write a Reading"),
        (
            "measure=lambda one, effort: Reading('3')",
            r"mine\.py:\d+: measure\(.*'mine': TypeError: found '3'; write a n",
        ),
        ("measure=lambda one, effort: Reading(3, {'a': object()})", r"'mine': TypeError: details: found object; write"),
    ],
)
def test_what_fails_a_trial_is_told_by_its_objective(
    site: Path, tmp_path: Path, space: Path, kind: str, says: str
) -> None:
    plugins = offered(tmp_path, f"mine = Objective('minimize', {kind})\n")
    (trial,) = search(space, "a", 1, objectives=("accuracy", "mine"), plugins=plugins).trials
    assert trial.state == "failed"
    with pytest.raises(AssertionError, match=says):
        raise AssertionError(trial.outcome.reason)


FRAGILE = "mine = Objective('minimize', measure=lambda one, effort: Reading(1 / int(open({file!r}).read())))\n"


def test_a_search_of_which_every_training_fails_ends_early_and_goes_on_once_mended(
    site: Path, tmp_path: Path, space: Path
) -> None:
    outside = tmp_path / "outside.txt"
    outside.write_text("0")
    plugins = offered(tmp_path, FRAGILE.format(file=str(outside)))
    said = "none of 10 trainings succeeded, and the last 10 failed for one reason, .*ZeroDivisionError"
    with pytest.raises(RunError, match=said):
        search(space, "a", 40, objectives=("accuracy", "mine"), plugins=plugins, workers=1)
    outside.write_text("1")
    run = resume(space.parent / "runs" / "a", budget=12)
    assert [trial.state for trial in run.trials] == ["failed"] * 10 + ["complete"] * 2


@pytest.mark.parametrize(
    ("kind", "says", "settings"),
    [
        ("known=lambda one: None", "objective 'mine': is neither told by its `known` or `adds` nor measured", {}),
        ("known=lambda one: 'a'", r"known\(candidate\) of objective 'mine': found 'a'; write a number", {}),
        (
            "known=lambda one: 1, missing=lambda where: 1 / 0",
            r"mine\.py:\d+: missing\(deployment\) of objective 'm",
            {},
        ),
        (
            "known=lambda one: 1, doubt=lambda conditions: 1 / 0",
            r"mine\.py:\d+: doubt\(conditions\) of objective 'mine': ZeroDivisionError",
            {"objectives": ("accuracy", "params"), "maximum": {"mine": 2.0}},
        ),
        ("known=lambda one: float('nan')", r"known\(candidate\) of objective 'mine': found nan; write a number", {}),
        ("known=lambda one: 10**400", r"known\(candidate\) of objective 'mine': found 1000", {}),
        (
            "known=lambda one: 1, doubt=lambda conditions: None",
            r"doubt\(conditions\) of objective 'mine': TypeError: found None; write a number",
            {"objectives": ("accuracy", "params"), "maximum": {"mine": 2.0}},
        ),
        ("known=lambda one: 1, title=5", "title: found 5; write a text", {}),
        ("known=lambda one: 1, trained=True", r"a trained objective is read after its training: write measure\(", {}),
        ("known=lambda one: 1, like='mcas'", "like of objective 'mine': found 'mcas'. Did you mean 'macs'", {}),
        (
            "known=lambda one: one.architecture.stages[0].width if one.architecture.stages[0].depth == 1 else None",
            r"known\(candidate\) of objective 'mine': gives a number for some networks of the space and None",
            {},
        ),
    ],
)
def test_an_objective_that_cannot_serve_is_refused_before_any_trial(
    site: Path, tmp_path: Path, space: Path, kind: str, says: str, settings: dict[str, object]
) -> None:
    plugins = offered(tmp_path, f"mine = Objective('minimize', {kind})\n")
    with pytest.raises(SettingError, match=says):
        search(space, "a", 1, **{"objectives": ("accuracy", "mine"), "plugins": plugins} | settings)
    assert not (space.parent / "runs" / "a").exists()


@pytest.mark.parametrize("name", ["seconds", "key", "trainings", "knee", "all"])
def test_an_objective_by_a_name_that_means_something_else_is_refused(
    site: Path, tmp_path: Path, space: Path, name: str
) -> None:
    file = tmp_path / f"{name}.py"
    file.write_text(f"{HEAD}\n{name} = Objective('minimize', known=lambda one: 1)\n")
    with pytest.raises(SettingError, match=f"objective '{name}': the name is taken, as are number, "):
        search(space, "a", 1, objectives=("accuracy", name), plugins=str(file))


SUM = """
class Sum:
    def predict(self, architecture): return 1.0
    def shares(self, pieces): return SHARES
    def total(self, sums): return TOTAL
mine = Objective("minimize", adds=lambda conditions: Sum())
"""


@pytest.mark.parametrize(
    ("shares", "total", "says"),
    [
        (
            "[1.0]",
            "sums",
            r"shares\(pieces\) of objective 'mine': TypeError: found \[1.0\]; write an array",
        ),
        ("np.ones(len(pieces))", "None", r"total\(sums\) of objective 'mine': TypeError: found None; write an array"),
    ],
)
def test_sums_of_another_shape_are_told(
    site: Path, tmp_path: Path, space: Path, shares: str, total: str, says: str
) -> None:
    plugins = offered(tmp_path, SUM.replace("SHARES", shares).replace("TOTAL", total))
    with pytest.raises(SettingError, match=says):
        search(space, "a", 1, objectives=("accuracy", "mine"), sampler="pareto", plugins=plugins)


@pytest.mark.parametrize("details", ["[1, 2]", "'text'", "np.arange(3)"])
def test_details_without_names_fail_their_trial_alone(site: Path, tmp_path: Path, space: Path, details: str) -> None:
    text = f"mine = Objective('minimize', measure=lambda one, effort: Reading(1.0, {details}))\n"
    run = search(space, "a", 2, objectives=("accuracy", "mine"), plugins=offered(tmp_path, text))
    assert [trial.state for trial in Run(run.folder).trials] == ["failed"] * 2
    assert "write them by their names" in run.trials[0].outcome.reason


def test_a_detail_called_value_is_not_the_value(site: Path, tmp_path: Path, space: Path) -> None:
    text = """
def width(one, effort): return Reading(one.architecture.stages[0].width, {"value": 7})
mine = Objective("minimize", timed=True, measure=width, remeasured=lambda found: True)
"""
    run = search(space, "a", 3, objectives=("accuracy", "mine"), plugins=offered(tmp_path, text), confirm=0)
    widths = {one.key: one.architecture.stages[0].width for one in run.front()}
    assert run.front_values("mine") == widths


def test_what_is_measured_is_built(site: Path, tmp_path: Path, space: Path) -> None:
    text = """
def count(one, effort): return Reading(sum(1 for _ in one.network.parameters()))
mine = Objective("minimize", timed=True, surveyed=True, like="macs", measure=count, remeasured=lambda found: True)
"""
    said: list[str] = []
    settings = {"objectives": ("accuracy", "mine"), "maximum": {"mine": 1000}, "plugins": offered(tmp_path, text)}
    run = search(space, "a", 3, watcher=Watcher(warned=said.append), **settings)
    assert run.front_values("mine") == {one.key: one.metrics["mine"] for one in run.front()}
    assert not [line for line in said if "measured again" in line]
    found = survey(load_space(space), make_config({"data": "digits", "target": "cpu", **settings}), networks=5)
    assert found.ranges["mine"].largest > 1


def test_a_value_that_cannot_be_measured_again_is_kept_and_told(site: Path, tmp_path: Path, space: Path) -> None:
    text = """
def once(one, effort): return Reading(3.0) if effort == "search" else {}["gone"]
mine = Objective("minimize", timed=True, measure=once, remeasured=lambda found: True)
"""
    said: list[str] = []
    watcher, plugins = Watcher(warned=said.append), offered(tmp_path, text)
    search(space, "a", 1, objectives=("accuracy", "mine"), plugins=plugins, watcher=watcher)
    assert said[-1].startswith("trial 0 could not be measured again and keeps mine as it was: SettingError: ")
    assert said[-1].endswith("measure(candidate, effort) of objective 'mine': KeyError: 'gone'")


def test_a_trained_objective_of_ones_own_is_made_of_the_metrics_of_the_task(
    site: Path, tmp_path: Path, space: Path
) -> None:
    text = """
def error(one, effort): return Reading(1 - one.metrics["accuracy"] + 0 * one.metrics["macro_f1"])
mine = Objective("minimize", share=True, trained=True, measure=error)
"""
    run = search(space, "a", 3, objectives=("mine", "params"), plugins=offered(tmp_path, text), confirm=1)
    assert all(0 <= trial.metrics["mine"] <= 1 for trial in run.trials)
    assert {one.trial for one in run.further} >= {found.number for found in run.front()}
    assert run.trained_objectives == ["mine"]
    assert (run.folder / "report.html").read_text().count("Mine") > 2


def test_an_objective_that_cannot_say_whether_to_read_again_is_told(site: Path, tmp_path: Path, space: Path) -> None:
    text = """
mine = Objective("minimize", timed=True, measure=lambda one, effort: Reading(1.0), remeasured=lambda found: found["no"])
"""
    with pytest.raises(SettingError, match=r"mine\.py:\d+: remeasured\(details\) of objective 'mine': KeyError: 'no'"):
        search(space, "a", 1, objectives=("accuracy", "mine"), plugins=offered(tmp_path, text), confirm=0)


def test_what_is_noted_of_every_trial_may_be_measured(site: Path, tmp_path: Path, space: Path) -> None:
    text = """
mine = Objective("minimize", noted=True, measure=lambda one, effort: Reading(len(list(one.network.parameters()))))
"""
    run = search(space, "a", 2, plugins=offered(tmp_path, text))
    assert [trial.state for trial in run.trials] == ["complete"] * 2
    assert all(trial.metrics["mine"] > 0 for trial in run.trials)
