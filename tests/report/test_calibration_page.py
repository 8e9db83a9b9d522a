"""The page of a calibration: all that was measured is on it, and no more is said of few networks than they tell."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from browser import NARROW, WIDE, opened, serious
from markupsafe import escape
from playwright.sync_api import Browser
from run_fixtures import empty_run, trial

from nas.evaluation.job import Outcome
from nas.record.analysis.agreement import Agreement
from nas.record.analysis.reliability import FEWEST_BEST, Ranking, Reliability
from nas.record.run import Run
from nas.record.trial import Further
from nas.report.calibration_page import cost_figure, rank_figure, write_calibration

GOOD, BAD = Agreement(0.6, 0.3, 0.8, 0.7), Agreement(-0.9, -1.0, 0.1, -0.9)


def calibration(best: int) -> Reliability:
    """What was found of rungs that rank all networks well and the best ones badly."""
    of_best = BAD if best >= FEWEST_BEST else None
    rungs = tuple(Ranking(f"{epochs} epochs", epochs / 4, GOOD, of_best) for epochs in (1, 4))
    others = (Ranking("MACs", 0.0, Agreement(-0.7, -0.9, -0.4, -0.8), of_best),)
    rates = {"conv": {"0.33": 0.4, "1": 0.5, "3": 0.6}}
    return Reliability("--space s", "accuracy", 4 * best, best, (1, 4), rungs, others, (1, 4), False, rates, ("conv",))


def climbed(folder: Path) -> Run:
    """A run one of whose networks came to the last rung and was trained again."""
    run = empty_run(folder, rungs=(1, 4))
    run.append(trial(run, 0))
    metrics = run.trials[0].outcome.metrics
    for repeat in (0, 1):
        run.append_further(Further(0, repeat, Outcome("complete", metrics), rung=1))
    return run


@pytest.mark.parametrize("best", [2, 6])
def test_every_point_and_interval_is_drawn(best: int) -> None:
    figure = cost_figure(calibration(best))
    low, high = figure.layout.yaxis.range
    for trace in figure.data:
        for tau, up, down in zip(trace.y, trace.error_y.array, trace.error_y.arrayminus, strict=True):
            assert low < tau - down <= tau + up < high
    assert all(low < line.y0 < high for line in figure.layout.shapes)


def test_what_costs_no_training_is_named_in_the_legend_and_not_across_lines_and_ticks() -> None:
    found = calibration(2)
    others = (*found.others, replace(found.others[0], name="parameters"))
    layout = cost_figure(replace(found, others=others)).layout
    assert [(line.name, line.showlegend) for line in layout.shapes] == [("MACs", True), ("parameters", True)]
    assert len({(line.line.color, line.line.dash) for line in layout.shapes}) == 2
    assert layout.showlegend
    assert not layout.annotations


def test_the_axis_has_a_tick_at_every_rung() -> None:
    axis = cost_figure(calibration(6)).layout.xaxis
    assert (list(axis.tickvals), list(axis.ticktext)) == ([0.25, 1.0], ["25 %", "100 %"])


def test_it_begins_with_the_verdict_then_the_table_then_short_notes(tmp_path: Path) -> None:
    found = calibration(6)
    page = write_calibration(climbed(tmp_path / "run"), found).read_text().partition("<body>")[2]
    notes = [f"<li>{escape(note)}</li>" for note in found.notes()]
    parts = [f"<strong>{escape(found.verdict)}</strong>", "<table>", ">25 %</td>", "</table>", *notes, "chart-cost"]
    places = [page.index(part) for part in parts]
    assert places == sorted(places)
    assert page.index("<p", page.index("<h1>")) < places[0] < page.index("</p>", page.index("<h1>"))
    assert " of the cost (" not in page, "which the table shows"


@pytest.mark.parametrize(("best", "told"), [(2, False), (6, True)])
def test_of_few_of_the_best_nothing_is_told(tmp_path: Path, best: int, told: bool) -> None:
    found = calibration(best)
    assert [trace.name for trace in cost_figure(found).data] == ["all networks", f"the best {best}"][: 1 + told]
    page = write_calibration(climbed(tmp_path / "run"), found).read_text().partition("<body>")[2]
    assert (f"Tau, best {best}" in page, "Rho, best" in page, "-1.00 to 0.10" in page) == (told, told, told)
    assert ("too few to say" in page) != told


def test_without_a_ladder_more_networks_are_advised(tmp_path: Path) -> None:
    run = climbed(tmp_path / "run")
    page = write_calibration(run, replace(calibration(2), ladder=())).read_text().partition("<body>")[2]
    assert "search by this ladder" not in page
    assert re.search(f"nas calibrate --space .* --rungs 1,4 --name run --runs {tmp_path} -n 24", page)


def test_a_ladder_that_is_applied_is_not_offered_to_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAS_CACHE", str(tmp_path / "cache"))
    run, found = climbed(tmp_path / "run"), calibration(2)
    run.seal["data"] = {"labels": "a", "pixels": "b", "files": None}
    assert "--apply<" in write_calibration(run, found).read_text()
    found.apply(run)
    page = write_calibration(run, found).read_text().partition("<body>")[2]
    assert "--apply<" not in page
    assert "Later searches of this space, data and recipe take <code>--rungs 1,4</code> unless told" in page
    assert "<code>nas search --space s</code>" in page


def test_the_commands_name_plugins_and_the_folder_of_runs(tmp_path: Path) -> None:
    run = climbed(tmp_path / "run")
    run.config = run.config.model_copy(update={"plugins": ("mine.py",)})
    page = write_calibration(run, calibration(2)).read_text().partition("<body>")[2]
    assert "nas search --space s --plugins mine.py --rungs 1,4<" in page
    assert f"--name run --plugins mine.py --runs {tmp_path} -n 8 --apply<" in page


def test_both_axes_name_the_objective_and_its_unit(tmp_path: Path) -> None:
    layout = rank_figure(climbed(tmp_path / "run"), calibration(2)).layout
    assert layout.xaxis.title.text == "Accuracy (%) after 1 epochs"
    assert layout.yaxis.title.text == "Accuracy (%) in full, from another seed"


@pytest.mark.parametrize(("width", "dark"), [(NARROW, False), (WIDE, True)])
def test_its_tables_stand_under_their_headings(browser: Browser, tmp_path: Path, width: int, dark: bool) -> None:
    page = write_calibration(climbed(tmp_path / "run"), calibration(6))
    with opened(browser, page, width=width, dark=dark) as shown:
        assert shown.evaluate("document.documentElement.scrollWidth") <= width
        assert serious(shown) == []
        sides = "one => [one.getBoundingClientRect().left, one.getBoundingClientRect().right]"
        left, right = shown.locator("main").evaluate(sides)
        for table in shown.locator(".scroll").all():
            assert table.evaluate(sides)[0] == shown.locator("h2").first.evaluate(sides)[0]
            assert left < table.evaluate(sides)[0] < table.evaluate(sides)[1] < right
