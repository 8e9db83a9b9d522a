"""The page of runs side by side as a person sees it."""

from pathlib import Path

import pytest
from browser import NARROW, WIDE, opened, serious
from playwright.sync_api import Browser
from run_fixtures import empty_run, finished_run, trial

import nas
from nas.report.comparison_page import fronts_figure


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of two sides of two runs."""
    folder = tmp_path_factory.mktemp("runs")
    runs = [finished_run(folder / f"{name}-{i}", sampler=name, seed=i) for name in ("pareto", "tpe") for i in (0, 1)]
    nas.write_comparison(nas.compare(runs), folder / "page.html")
    return folder / "page.html"


def test_axes_are_logarithmic_where_those_of_a_report_are(tmp_path: Path) -> None:
    runs = []
    for seed, largest in ((0, 2e6), (1, 9e6)):
        run = empty_run(tmp_path / str(seed), seed=seed, objectives=("accuracy", "macs"))
        for number, (accuracy, macs) in enumerate([(0.5, 2e5), (0.9, largest)]):
            run.append(trial(run, number, metrics={"accuracy": accuracy, "macs": macs, "params": 1.0}))
        runs.append(run)
    layout = fronts_figure(nas.compare(runs)).layout
    assert (layout.xaxis.type, layout.yaxis.type) == ("log", None)
    assert "MACs" in layout.xaxis.title.text
    assert "logarithmic" in layout.xaxis.title.text
    assert layout.yaxis.title.text.strip("\u2068\u2069") == "Accuracy (%)"


def test_what_one_network_attains_runs_to_the_edges_of_the_frame(tmp_path: Path) -> None:
    runs = []
    for name, points in (
        ("pareto", [(0.6, 3.0), (0.8, 3.05), (0.5, 90.0)]),
        ("random", [(0.7, 3.02), (0.2, 3.1), (0.1, 80.0)]),
    ):
        run = empty_run(tmp_path / name, sampler=name)
        for number, (accuracy, latency) in enumerate(points):
            run.append(trial(run, number, metrics={"accuracy": accuracy, "latency": latency}, readings={}))
        runs.append(run)
    figure = fronts_figure(nas.compare(runs))
    across, up = figure.layout.xaxis, figure.layout.yaxis
    slowest, least = 10 ** across.range[1], up.range[0]
    line, dots = [
        {tuple(round(float(v), 9) for v in at) for at in zip(trace.x, trace.y, strict=True)}
        for trace in figure.data
        if "random" in trace.name
    ]
    assert line == {(3.02, round(least, 9)), (3.02, 70.0), (round(slowest, 9), 70.0)}
    assert dots == {(3.02, 70.0)}
    assert slowest > 3.05
    assert least < 60


def test_a_run_without_a_result_by_then_has_a_place_on_the_axis_of_a_wide_range(tmp_path: Path) -> None:
    early, late = (empty_run(tmp_path / sampler, sampler=sampler, objectives=("accuracy", "throughput"))
                   for sampler in ("pareto", "random"))  # fmt: skip
    values = [{"accuracy": 0.5, "throughput": 1000.0}, {"accuracy": 0.9, "throughput": 10.0}]
    for number in range(4):
        late.append(trial(late, number, "failed") if number < 2 else trial(late, number, metrics=values[number - 2]))
    for number, metrics in enumerate(values):
        early.append(trial(early, number, metrics=metrics))
    figure = fronts_figure(nas.compare([early, late]))
    low, high = figure.layout.xaxis.range
    for trace in figure.data:
        assert low <= min(trace.x) <= max(trace.x) <= high, trace.name


def test_of_many_objectives_the_first_two_are_drawn(tmp_path: Path) -> None:
    objectives = ("accuracy", "macs", "params", "latency")
    lines = []
    for count in (2, 3, 4):
        runs = [finished_run(tmp_path / f"{count}-{name}", sampler=name, objectives=objectives[:count])
                for name in ("pareto", "tpe")]  # fmt: skip
        found = nas.compare(runs)
        nas.write_comparison(found, tmp_path / f"{count}.html")
        lines.append([list(zip(trace.x, trace.y, strict=True)) for trace in fronts_figure(found).data])
    assert lines[0] == lines[1] == lines[2]


@pytest.mark.parametrize(("width", "dark"), [(NARROW, True), (600, False), (WIDE, False)])
def test_it_fits_and_has_no_serious_barrier(browser: Browser, page: Path, width: int, dark: bool) -> None:
    with opened(browser, page, width=width, dark=dark) as shown:
        assert shown.evaluate("document.documentElement.scrollWidth") <= width
        assert serious(shown) == []
