"""A run's page as a person sees it."""

from dataclasses import replace
from pathlib import Path

import pytest
from browser import NARROW, WIDE, opened, serious
from playwright.sync_api import Browser, FloatRect
from run_fixtures import empty_run, finished_run, offering, stage, trial

from nas.report.page import write_report


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a finished run."""
    return write_report(finished_run(tmp_path_factory.mktemp("runs") / "run", complete=25, failed=2))


@pytest.mark.parametrize(("width", "dark"), [(NARROW, True), (WIDE, False)])
def test_it_fits_and_has_no_serious_barrier(browser: Browser, page: Path, width: int, dark: bool) -> None:
    with opened(browser, page, width=width, dark=dark) as shown:
        assert shown.evaluate("document.documentElement.scrollWidth") <= width
        assert serious(shown) == []


def test_the_table_of_the_front_is_whole_where_names_of_objectives_are_long(browser: Browser, tmp_path: Path) -> None:
    run = empty_run(tmp_path / "run", objectives=("balanced_accuracy", "latency", "macs"))
    for number in range(12):
        one = trial(run, number)
        metrics = {**one.outcome.metrics, "balanced_accuracy": one.outcome.metrics["accuracy"]}
        run.append(trial(run, number, metrics=metrics))
    with opened(browser, write_report(run)) as shown:
        table = shown.locator(".scroll:has(table.networks)")
        assert table.evaluate("one => one.scrollWidth <= one.clientWidth")


def test_the_table_of_the_front_begins_with_two_values_on_a_telephone(browser: Browser, page: Path) -> None:
    with opened(browser, page, width=NARROW) as shown:
        table = shown.locator(".scroll:has(table.networks)")
        second = table.locator("tbody tr:first-child td.number").nth(1)
        assert second.evaluate("one => one.offsetLeft + one.offsetWidth") <= table.evaluate("one => one.clientWidth")
        assert table.locator("thead").inner_text().split()[:2] == ["Trial", "Stages"]
        assert table.locator("tbody .strip svg").first.is_visible()


def test_the_stages_of_a_network_have_their_numbers_in_the_space(browser: Browser, tmp_path: Path) -> None:
    run = offering(tmp_path / "run", stage([0, 1]), stage([1, 2]), stage([1, 2], 2))
    for number in range(8):
        run.append(trial(run, number))
    lacking = next(one for one in run.trials if len(one.architecture.stages) == 2)
    whole = next(one for one in run.trials if len(one.architecture.stages) == 3)
    with opened(browser, write_report(run)) as shown:
        for one in (whole, lacking):
            shown.locator("#panel input[name=number]").fill(str(one.number))
            shown.locator("#panel form button").press("Enter")
            shown.locator("#panel button.compare-it").press("Enter")
        assert shown.locator("#panel .parts th[scope=row]").all_inner_texts() == ["stem", "1", "2", "head"]
        assert "stage 1: " in shown.locator("#panel svg").text_content()
        assert "stage 0" not in shown.locator("#panel svg").get_attribute("aria-label")
        rows = shown.locator("#side-by-side tr", has_text="stage 0 depth").all_inner_texts()
        assert [row.split()[-2:] for row in rows] == [["–", "≠"]], "the second lacks the first stage"


def test_a_page_of_failures_alone_draws_what_the_workers_did(browser: Browser, tmp_path: Path) -> None:
    run = finished_run(tmp_path / "run", complete=0, failed=3)
    run.trials[:] = [replace(one, ended=60.0 * (i + 1)) for i, one in enumerate(run.trials)]
    with opened(browser, write_report(run)) as shown:
        shown.get_by_role("heading", name="What the workers did").wait_for()
        assert shown.locator(".js-plotly-plot").count() == 1


def test_the_slider_holds_at_values_a_breadth_off_a_round_number(browser: Browser, tmp_path: Path) -> None:
    run = empty_run(tmp_path / "run", objectives=("latency", "accuracy"))
    for number, (latency, accuracy) in enumerate(((1.0, 0.07), (2.0, 0.29), (3.0, 0.57))):
        run.append(trial(run, number, metrics={"latency": latency, "accuracy": accuracy}))
    with opened(browser, write_report(run)) as shown:
        slider = shown.get_by_role("slider")
        for key in ("Home", "End"):
            slider.press(key)
            shown.get_by_text("The best there:").wait_for()


def test_a_part_that_is_dragged_out_of_a_logarithmic_axis_has_labels(browser: Browser, tmp_path: Path) -> None:
    run = empty_run(tmp_path / "run")
    for number, latency in enumerate((1.0, 2.0, 300.0)):
        run.append(trial(run, number, metrics={"latency": latency, "accuracy": 0.3 + 0.2 * number}))
    with opened(browser, write_report(run)) as shown:
        plane, parts = shown.locator("#chart-front"), []
        plane.scroll_into_view_if_needed()
        whole = plane.locator(".nsewdrag").bounding_box()
        assert whole
        for _ in range(2):
            y = whole["y"] + whole["height"] / 2
            shown.mouse.move(whole["x"] + 0.51 * whole["width"], y)
            shown.mouse.down()
            shown.mouse.move(whole["x"] + 0.61 * whole["width"], y, steps=4)
            shown.mouse.up()
            shown.wait_for_timeout(500)  # as plotly tells a second click from a drag by the time between
            low, high = plane.evaluate("one => one.layout.xaxis.range.map(end => 10 ** end)")
            texts = plane.locator(".xtick text").all_text_contents()
            assert len(texts) >= 2
            assert all(low <= float(text.replace(",", "")) <= high for text in texts)
            parts.append((low, high))
        assert parts[0][0] < parts[1][0] < parts[1][1] < parts[0][1]
        assert parts[1][1] / parts[1][0] < 1.1


@pytest.mark.long
@pytest.mark.parametrize("slowest", [3.0, 300.0])
def test_the_ring_is_round_and_about_the_chosen_network_on_every_axis(
    browser: Browser, tmp_path: Path, slowest: float
) -> None:
    run = empty_run(tmp_path / "run")
    for number, latency in enumerate((1.0, 2.0, slowest)):
        run.append(trial(run, number, metrics={"latency": latency, "accuracy": 0.3 + 0.2 * number}))
    with opened(browser, write_report(run)) as shown:
        shown.locator(".plane .points path").last.wait_for()
        for plane in shown.locator(".plane").all():
            for key, end in (("Home", min), ("End", max)):
                plane.press(key)
                markers = [path.bounding_box() for path in plane.locator(".scatterlayer .points path").all()]
                ring = plane.locator(".shapelayer path").last.bounding_box()
                assert ring
                assert ring["width"] == pytest.approx(ring["height"], abs=0.5)
                chosen = end(filter(None, markers), key=middle)
                assert middle(ring) == pytest.approx(middle(chosen), abs=2)


def middle(box: FloatRect) -> tuple[float, float]:
    """Where the middle of an element is."""
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


@pytest.mark.parametrize("width", [NARROW, 1400, 1920])
def test_all_sections_begin_and_end_at_the_same_edges(browser: Browser, page: Path, width: int) -> None:
    with opened(browser, page, width=width) as shown:
        edges = shown.evaluate(
            "[...document.querySelectorAll('header, main section')].map(one => one.getBoundingClientRect())"
            ".map(one => [one.left, one.right].map(Math.round))"
        )
        header, *sections = edges
        assert len(sections) > 5
        assert len({tuple(edge) for edge in sections}) == 1
        assert header[0] <= sections[0][0] <= header[0] + 24, "the header's own padding"
