"""Picking a network of a run by a rule."""

from pathlib import Path

import pytest
from run_fixtures import empty_run, finished_run, trial

from nas.cli.outcome import front_tables
from nas.cli.terminal import Terminal
from nas.config import make_config
from nas.engine.plan import check_settings
from nas.errors import SettingError
from nas.record.networks import find_network
from nas.record.run import Run
from nas.report.page import write_report
from nas.space.library import load_architecture

FRONT = {0: (0.60, 1.0, 900.0), 1: (0.80, 2.0, 2500.0), 2: (0.90, 3.0, 4e6), 3: (0.91, 9.0, 5e6), 4: (0.70, 4.0, 100.0)}
"""Accuracy, latency and parameters by trial; all but the last are on the front."""


def make(folder: Path, **settings: object) -> Run:
    run = empty_run(folder, **settings)
    for number, (accuracy, latency, params) in FRONT.items():
        metrics = {"accuracy": accuracy, "latency": latency, "params": params}
        run.append(trial(run, number, metrics=metrics))
    return run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return make(tmp_path_factory.mktemp("picks") / "run")


@pytest.mark.parametrize(
    ("rule", "number"),
    [
        ("knee", 2),
        ("accuracy", 3),
        ("latency", 0),
        ("latency<=2", 1),
        (" latency <= 2.5 ", 1),
        ("latency<=100", 3),
        ("params<=2.5k", 1),
        ("params<=4M, latency<=9", 2),
        ("params>=4.5M", 3),
        ("accuracy>=75%", 1),  # the fastest that is accurate enough
        ("accuracy>=0.75,latency<=3", 2),  # all have limits: the first objective
        ("4", 4),
        (4, 4),
        (None, 2),
    ],
)
def test_a_rule_picks_the_best_that_keeps_it(run: Run, rule: str | int | None, number: int) -> None:
    assert run.pick(rule).number == number
    if rule is not None:
        found = find_network(f"run:{rule}", run.folder.parent)
        assert found.architecture.name == f"run_{number}"


def test_where_nothing_keeps_a_limit_the_nearest_value_is_said(run: Run) -> None:
    with pytest.raises(SettingError, match=r"keeps latency<=0\.5; the nearest, trial 0, has latency=1 \(1\.00 ms\)"):
        run.pick("latency<=0.5")
    with pytest.raises(
        SettingError, match=r"keeps accuracy>=0\.8 and latency<=1\.9; the nearest, trial 1, has acc.*80"
    ):
        run.pick("accuracy>=80%,latency<=1.9")


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("kne", r"cannot pick 'kne'\. Did you mean 'knee'\? Allowed: knee, accuracy, latency\. Or limits: latency<=2"),
        ("latncy<=2", r"knows no 'latncy'\. Did you mean 'latency'\? Allowed: accuracy, latency, .*params"),
        ("energy<=2", "knows no 'energy'"),
        ("latency<2", "'latency<2' is no limit; write latency<=2"),
        ("latency=2", "is no limit"),
        ("latency<=", "'' is no number; write one, such as latency<=2, 90% or 1.5M, in ms"),
        ("latency<=2ms", "'2ms' is no number"),
        ("latency<=nan", "'nan' is no number"),
        ("latency<=2,", "'' is no limit"),
        ("166", "cannot pick '166'"),
        ("", "cannot pick ''"),
    ],
)
def test_an_unknown_rule_is_refused_before_the_search_and_of_a_run(run: Run, rule: str, said: str) -> None:
    with pytest.raises(SettingError, match=said):
        check_settings(make_config({"pick": rule}))
    if rule != "166":
        with pytest.raises(SettingError, match=said):
            run.pick(rule)


def test_the_rule_of_a_search_decides_what_the_run_stands_for(tmp_path: Path) -> None:
    run = make(tmp_path / "run", pick="latency<=2")
    page = write_report(run).read_text(encoding="utf-8")
    assert load_architecture(run.folder / "best.yaml").name == "run_1"
    assert find_network(run.folder).architecture.name == "run_1"
    assert find_network(f"{run.folder}:knee").architecture.name == "run_2"
    assert "★ latency&lt;=2</em>" in page
    assert "The pick, by latency&lt;=2, is trial 1" in page
    table = Terminal(width=120).fitting(*front_tables(run, run.front()))
    assert list(table.columns[-1].cells) == ["", "★ latency<=2", "", ""]


def test_a_search_whose_rule_nothing_keeps_ends_with_the_nearest_and_says_so(tmp_path: Path) -> None:
    run = finished_run(tmp_path / "run", complete=3, pick="latency<=1e-3")
    assert run.picked.unmet.startswith("no network on the front keeps latency<=0.001; the nearest, trial ")
    page = write_report(run).read_text(encoding="utf-8")
    assert "No network on the front keeps latency&lt;=0.001; the nearest" in page
    assert load_architecture(run.folder / "best.yaml").name == f"run_{run.pick('latency').number}"
