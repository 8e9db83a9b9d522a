"""The page of a search that still runs, in a browser: it follows the search, and says so when it cannot any more."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from browser import NARROW, WIDE, opened, serious
from playwright.sync_api import Browser, Error, Page
from run_fixtures import empty_run, finished_run, trial

from nas.record.run import Run
from nas.report.page import write_report
from nas.report.running import EVERY, LEAST, Running, longest_wait

MARK = "document.body.dataset.here = 'yes'"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return finished_run(tmp_path / "run", complete=8, budget={"trials": 200})


@contextmanager
def watched(browser: Browser, page: Path, width: int = WIDE) -> Iterator[Page]:
    """Open a page whose clock a test can put forward."""
    with opened(browser, page, width=width, spent=True) as shown:
        shown.clock.install()
        shown.reload()
        shown.evaluate(MARK)
        yield shown


def later(page: Page, seconds: int) -> None:
    """Let time pass, so much that the page has done what it then does."""
    page.clock.fast_forward(1000 * seconds)
    page.wait_for_timeout(300)


def until(page: Page, condition: str) -> None:
    """Wait for a condition, by a clock of our own."""
    for _ in range(100):
        with suppress(Error):  # the page may just be reloading
            if page.evaluate(condition):
                return
        page.wait_for_timeout(100)
    raise AssertionError(condition)


def reloaded(page: Page) -> None:
    until(page, "!document.body.dataset.here && document.readyState === 'complete'")


def test_it_says_how_far_the_search_is(tmp_path: Path) -> None:
    run = finished_run(tmp_path / "a", complete=8, failed=1, rejected=2, budget={"trials": 200})
    assert Running.now(run).done == "8 of 200 architectures trained, 1 failed"
    timed = empty_run(tmp_path / "b", budget={"seconds": 3600.0})
    timed.append(replace(trial(timed, 0), ended=90.0))
    assert Running.now(timed).done == "1 architecture trained in 2 min of 1 h 00 min"
    timed.append(replace(trial(timed, 1, "failed"), ended=90.0))
    assert Running.now(timed).done == "1 architecture trained, 1 failed, in 2 min of 1 h 00 min"


def test_its_patience_is_that_of_the_longest_training(tmp_path: Path) -> None:
    run = empty_run(tmp_path / "a")
    assert Running.now(run).patience == LEAST
    for number, ended in enumerate((1000.0, 1500.0, 1600.0)):
        run.append(replace(trial(run, number), ended=ended))
    assert longest_wait(run) == 1000
    assert Running.now(run).patience == 3000


def test_the_page_follows_the_search_to_its_end(browser: Browser, run: Run) -> None:
    running = Running.now(run)
    page = write_report(run, running)
    with watched(browser, page, NARROW) as shown:
        assert "running: 8 of 200" in " ".join(shown.inner_text(".running").split())
        assert serious(shown) == []
        assert shown.evaluate("document.documentElement.scrollWidth") <= NARROW
        shown.evaluate("scrollTo(0, 700); document.querySelector('details').open = true")
        write_report(run, replace(running, done="10 of 200 architectures trained"))
        later(shown, EVERY + 1)
        reloaded(shown)
        assert "10 of 200" in shown.inner_text(".running")
        until(shown, "Math.abs(scrollY - 700) < 60 && document.querySelector('details').open")
        write_report(run)
        shown.evaluate(MARK)
        later(shown, EVERY + 1)
        reloaded(shown)
        assert shown.locator(".running").count() == 0


def test_what_a_reader_has_set_stays(browser: Browser, run: Run) -> None:
    page = write_report(run, Running.now(run))
    field = '<label>Limit <input id="limit" oninput="document.title = this.value"></label><label>All '
    field += '<input type="checkbox" id="all" checked></label>'
    page.write_text(page.read_text().replace("</header>", f"{field}</header>"))
    with watched(browser, page) as shown:
        shown.fill("#limit", "2 ms")
        shown.uncheck("#all")
        later(shown, EVERY + 6)
        reloaded(shown)
        until(shown, "document.title === '2 ms'")
        assert not shown.is_checked("#all")
        assert shown.evaluate("document.activeElement.id") == "all"


def test_what_grew_since_leaves_the_reader_s_fold_and_budget(browser: Browser, tmp_path: Path) -> None:
    run = empty_run(tmp_path / "run", budget={"trials": 200})
    for number in range(8):
        run.append(trial(run, number, metrics={"accuracy": 0.5 + number / 20, "latency": 1.0 + number / 5}))
    page, fold = write_report(run, Running.now(run)), "summary:text-is('Settings')"
    with watched(browser, page) as shown:
        shown.click(fold)
        slider = shown.locator("#budget-slider")
        slider.focus()
        slider.press("Home")
        for _ in range(20):
            slider.press("ArrowRight")
        was = shown.inner_text("#budget-value")
        run.append(trial(run, 8, "failed"))
        run.append(trial(run, 9, metrics={"accuracy": 0.95, "latency": 6.0}))
        run.append(trial(run, 10, metrics={"accuracy": 0.3, "latency": 0.4}))
        write_report(run, Running.now(run))
        later(shown, EVERY + 6)
        reloaded(shown)
        opened_folds = "[...document.querySelectorAll('details[open] > summary')].map(one => one.textContent)"
        until(shown, f"{opened_folds}.includes('Settings')")
        assert not [name for name in shown.evaluate(opened_folds) if name.startswith("Failed")]
        assert float(shown.inner_text("#budget-value").split()[0]) == pytest.approx(float(was.split()[0]), rel=0.1)


def test_a_reader_can_hold_the_page(browser: Browser, run: Run) -> None:
    with watched(browser, write_report(run, Running.now(run))) as shown:
        shown.get_by_role("button", name="Pause").press("Enter")
        assert "stays as it is" in shown.inner_text(".running")
        later(shown, 4 * EVERY)
        assert shown.evaluate("document.body.dataset.here") == "yes"
        shown.get_by_role("button", name="Go on").press("Enter")
        assert "reloads itself" in shown.inner_text(".running")
        later(shown, 2)  # the reader is at it
        assert shown.evaluate("document.body.dataset.here") == "yes"
        later(shown, 10)
        reloaded(shown)


@pytest.mark.long
def test_a_search_that_was_killed_is_not_waited_for(browser: Browser, run: Run) -> None:
    with watched(browser, write_report(run, Running.now(run))) as shown:
        shown.clock.fast_forward(3 * 3600 * 1000)
        reloaded(shown)
        assert "was running" in shown.inner_text(".running")
        assert "3 hours ago" in shown.inner_text(".running")
        shown.evaluate(MARK)
        later(shown, 4 * EVERY)
        assert shown.evaluate("document.body.dataset.here") == "yes"
        shown.get_by_role("button", name="Reload").press("Enter")
        reloaded(shown)
