"""The page of runs side by side as a person sees it."""

from pathlib import Path

import pytest
from browser import NARROW, WIDE, opened, serious
from playwright.sync_api import Browser
from run_fixtures import finished_run

import nas


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of two sides of two runs."""
    folder = tmp_path_factory.mktemp("runs")
    runs = [finished_run(folder / f"{name}-{i}", sampler=name, seed=i) for name in ("pareto", "tpe") for i in (0, 1)]
    nas.write_comparison(nas.compare(runs), folder / "page.html")
    return folder / "page.html"


@pytest.mark.parametrize(("width", "dark"), [(NARROW, True), (600, False), (WIDE, False)])
def test_it_fits_and_has_no_serious_barrier(browser: Browser, page: Path, width: int, dark: bool) -> None:
    with opened(browser, page, width=width, dark=dark) as shown:
        assert shown.evaluate("document.documentElement.scrollWidth") <= width
        assert serious(shown) == []
