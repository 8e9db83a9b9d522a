"""Settings and the command that repeats the search."""

import html
import re
from pathlib import Path

from browser import opened
from playwright.sync_api import Browser
from run_fixtures import finished_run

from nas.record.command import repeating
from nas.record.config_file import changed
from nas.report.page import render, write_report


def test_the_command_is_copied_as_it_is(browser: Browser, tmp_path: Path) -> None:
    run = finished_run(tmp_path / "run", space="cvt_family", data="npz:it's <b>", maximum={"latency": 2.0})
    with opened(browser, write_report(run)) as page:
        page.get_by_role("button", name="Copy the command that repeats the search").press("Enter")
        page.get_by_text("Copied", exact=True).wait_for()
        assert page.evaluate("navigator.clipboard.readText()") == repeating(run)


def test_what_only_python_sets_and_how_surely_it_repeats_is_told(tmp_path: Path) -> None:
    several = " ".join(html.unescape(re.sub("<[^>]+>", "", render(finished_run(tmp_path / "several")))).split())
    assert "With several workers" in several
    assert "Settings that only Python takes" not in several
    run = finished_run(tmp_path / "alone", workers=1, recipe={"shift": 0})
    alone = " ".join(html.unescape(re.sub("<[^>]+>", "", render(run))).split())
    said = "One worker repeats it exactly on the same machine with the same versions"
    assert f"{said}, as far as measured times come out alike (latency). Settings" in alone
    counted = finished_run(tmp_path / "counted", workers=1, objectives=("accuracy", "params"))
    assert f"{said}. " in " ".join(html.unescape(re.sub("<[^>]+>", "", render(counted))).split())
    assert "Settings that only Python takes differ from their defaults too: recipe.shift 0." in alone


def test_a_search_whose_budget_is_spent_goes_on_with_a_larger_one(tmp_path: Path) -> None:
    run = finished_run(tmp_path / "a", complete=0, failed=3, rejected=0, budget={"trials": 3})
    assert f"nas resume {run.folder} --budget 6</code>" in render(run)
    run = finished_run(tmp_path / "b", complete=2, failed=0, budget={"trials": 3})
    assert f"nas resume {run.folder}</code>" in render(run)


def test_a_search_that_went_on_with_another_budget_says_so(tmp_path: Path) -> None:
    run = finished_run(tmp_path / "a", complete=3, failed=0, budget={"trials": 16})
    words = " ".join(html.unescape(re.sub("<[^>]+>", "", render(run))).split())
    assert "The search began with" not in words
    run.go_by(changed(run.config, {"budget": 10, "confirm": 4}))
    words = " ".join(html.unescape(re.sub("<[^>]+>", "", render(run))).split())
    assert "The search began with --budget 16 --confirm 2 and went on with --budget 10 --confirm 4, as the" in words
    assert "--budget 10" in repeating(run)
