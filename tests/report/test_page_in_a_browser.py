"""A run's page as a person sees it."""

from pathlib import Path

import pytest
from browser import NARROW, WIDE, opened, serious
from playwright.sync_api import Browser
from run_fixtures import finished_run

from nas.report.page import write_report


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a finished run."""
    return write_report(finished_run(tmp_path_factory.mktemp("runs") / "run", complete=25, failed=2))


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [NARROW, WIDE])
def test_it_fits_and_has_no_serious_barrier(browser: Browser, page: Path, width: int, dark: bool) -> None:
    with opened(browser, page, width=width, dark=dark) as shown:
        assert shown.evaluate("document.documentElement.scrollWidth") <= width
        assert serious(shown) == []
