"""The lines across decisions as a person uses them: brushed by mouse, chosen by keyboard."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from browser import NARROW, opened, serious
from playwright.sync_api import Browser, Page, expect
from run_fixtures import empty_run, finished_run, trial

from nas.network.architecture import HeadSpec
from nas.record.run import Run
from nas.report.page import render, write_report

RANGES = "document.getElementById('chart-parallel').data[0].dimensions.map(one => one.constraintrange ?? null)"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run with a page."""
    run = finished_run(tmp_path_factory.mktemp("runs") / "run", complete=60)
    write_report(run)
    return run


@pytest.fixture
def page(browser: Browser, run: Run) -> Iterator[Page]:
    """The run's page."""
    with opened(browser, run.folder / "report.html") as shown:
        yield shown


def best(run: Run, numbers: set[int]) -> str:
    return f"{100 * max(result.metrics['accuracy'] for result in run.results if result.number in numbers):.2f}"


def test_the_keyboard_keeps_the_networks_of_a_value(run: Run, page: Page) -> None:
    told = page.locator("#kept")
    assert not page.locator("#chart-parallel").count()  # drawn when it is about to be seen
    page.locator("#lines").scroll_into_view_if_needed()
    expect(told).to_contain_text("60 of 60 networks")
    keep = page.get_by_label("Keep")
    keep.focus()
    page.keyboard.press("ArrowDown")
    words = keep.evaluate("one => one.selectedOptions[0].textContent")
    what, stage, value = re.fullmatch(r"(\w+) of stage (\d): (\w+)", words).groups()
    kept = {result.number for result in run.results
            if str(getattr(result.architecture.stages[int(stage)], what)) == value}  # fmt: skip
    expect(told).to_contain_text(f"{len(kept)} of 60 networks; the best: accuracy {best(run, kept).rstrip('0')}")
    assert len([one for one in page.evaluate(RANGES) if one]) == 1
    page.keyboard.press("ArrowUp")
    expect(told).to_contain_text("60 of 60 networks")
    assert not any(page.evaluate(RANGES))


def test_a_brush_keeps_the_networks_that_pass_it(run: Run, page: Page) -> None:
    page.locator("#lines").scroll_into_view_if_needed()
    axis = page.locator("#chart-parallel .axis-brush .background").nth(6).bounding_box()  # accuracy
    assert axis
    middle = axis["x"] + axis["width"] / 2
    page.mouse.move(middle, axis["y"] + 15)
    page.mouse.down()
    page.mouse.move(middle, axis["y"] + axis["height"] / 2, steps=8)
    page.mouse.up()
    low, high = next(one for one in page.evaluate(RANGES) if one)
    kept = [result for result in run.results if low <= round(100 * result.metrics["accuracy"], 2) <= high]
    assert 0 < len(kept) < 60
    expect(page.locator("#kept")).to_contain_text(f"{len(kept)} of 60 networks")


@pytest.mark.parametrize("dark", [False, True])
def test_it_bars_nobody_and_a_phone_scrolls_it(browser: Browser, run: Run, dark: bool) -> None:
    with opened(browser, run.folder / "report.html", width=NARROW, dark=dark) as shown:
        shown.locator("#lines").scroll_into_view_if_needed()
        expect(shown.locator("#kept")).to_contain_text("60 of 60")
        name = shown.locator("#chart-parallel .axis-title").first
        assert name.evaluate("one => getComputedStyle(one).fill") == (
            "rgb(230, 233, 239)" if dark else "rgb(29, 36, 51)"
        )
        assert shown.evaluate("document.documentElement.scrollWidth") <= NARROW
        assert serious(shown) == []


@pytest.mark.long
def test_names_are_text(browser: Browser, tmp_path: Path) -> None:
    """Names of kinds are Python's, and options' words anybody's."""
    run, evil = empty_run(tmp_path / "run"), "<img src=x onerror=alert(1)>"
    for number in range(20):
        one = trial(run, number)
        words = [evil, "שלום", '"quoted" & 🙂'][number % 3]
        head = HeadSpec(evil, {"norm": words, "dim": number % 2})
        decisions = {f"head.{evil}.{name}": value for name, value in head.options.items()}
        run.append(replace(one, decisions=decisions, architecture=replace(one.architecture, head=head)))
    (tmp_path / "page.html").write_text(render(run))
    with opened(browser, tmp_path / "page.html") as shown:
        shown.locator("#lines").scroll_into_view_if_needed()
        expect(shown.locator("#kept")).to_contain_text("20 of 20")
        ticks = shown.locator("#chart-parallel .axis text").all_text_contents()
        assert {evil, '"quoted" & 🙂', "שלום"} <= set(ticks)
        assert evil in (shown.locator("#chart-importance").text_content() or "")
        assert not shown.locator("main img").count()
        shown.get_by_label("Keep").select_option(label=f"head norm ({evil}): {evil}")
        expect(shown.locator("#kept")).to_contain_text("7 of 20")
