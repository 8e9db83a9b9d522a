"""Whether it can be trusted."""

import json
from pathlib import Path

import pytest
from browser import NARROW, WIDE, opened, serious
from playwright.sync_api import Browser
from run_fixtures import empty_run, finished_run, trial

from nas.evaluation.job import Outcome
from nas.record.analysis.repeats import Pairs
from nas.record.run import Run
from nas.record.trial import Further
from nas.report.page import write_report
from nas.report.sections.trust import context, pairs_figure
from nas.report.view import View


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run with predicted latencies, of which eleven were trained again twice and measured."""
    run = empty_run(tmp_path_factory.mktemp("runs") / "run")
    for number in range(30):
        run.append(trial(run, number, readings={"latency": {"source": "predicted"}}))
    for one in run.trials[:11]:
        for repeat, shift in ((1, -0.02), (2, 0.01)):
            values = one.metrics | {"accuracy": one.metrics["accuracy"] + shift}
            run.append_further(Further(one.number, repeat, Outcome("complete", values)))
    (run.folder / "front_latency.json").write_text(
        json.dumps({one.key: {"value": 1.1 * one.metrics["latency"]} for one in run.trials[:11]})
    )
    return run


def test_a_run_without_a_front_promises_nothing(tmp_path: Path) -> None:
    assert context(View(finished_run(tmp_path / "run", 0, 2, 0))) is None


def test_those_that_failed_further_up_came_to_the_rung_below(tmp_path: Path) -> None:
    run = empty_run(tmp_path / "run", rungs=(1, 3, 9))
    for number in range(4):
        run.append(trial(run, number))
    for number in range(3):
        run.append_further(Further(number, 0, Outcome("complete", run.trials[number].metrics), rung=1))
    run.append_further(Further(0, 0, Outcome("complete", run.trials[0].metrics), rung=2))
    run.append_further(Further(1, 0, Outcome("failed", reason="the loss became nan"), rung=2))
    for repeat, state in ((1, "complete"), (2, "failed")):
        run.append_further(Further(0, repeat, Outcome(state, run.trials[0].metrics), rung=2))  # type: ignore[arg-type]
    shown = context(View(run))
    assert shown
    assert [rung["count"] for rung in shown["rungs"]] == [4, 3, 1]
    assert shown["confirmed"]["trainings"] == 1, "one that failed is in no mean"


def test_what_was_measured_twice_is_ranked_and_drawn(checked: Run) -> None:
    shown = context(View(checked))
    assert shown
    assert [(row["what"], row["networks"], row["tau"]) for row in shown["ranked"]] == [
        ("Accuracy: one seed, another seed", 11, "1.00"),
        ("Latency: predicted, measured", 11, "1.00"),
    ]
    assert len(shown["charts"]) == 2
    assert shown["confirmed"]["flattery"] == pytest.approx(0.005)


def test_pairs_are_drawn_in_their_unit_beside_the_line_where_both_are_the_same() -> None:
    same, dots = pairs_figure(Pairs("accuracy", "own training", "mean", (3, 7), (0.5, 0.7), (0.45, 0.8))).data
    assert (dots.x, dots.y) == (pytest.approx((50, 70)), pytest.approx((45, 80)))
    assert tuple(dots.customdata) == (3, 7)
    assert same.x == same.y == pytest.approx((45, 80))


@pytest.mark.parametrize(("width", "dark"), [(NARROW, False), (WIDE, True)])
def test_every_remark_has_a_sign_in_words_and_nothing_stands_in_the_way(
    browser: Browser, checked: Run, width: int, dark: bool
) -> None:
    with opened(browser, write_report(checked), width=width, dark=dark) as page:
        signs = page.locator(".health li b").all_inner_texts()
        assert signs
        assert set(signs) <= {"✓ fine", "! warning"}
        assert page.locator("#chart-pairs-first path.point").count() == 11
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert serious(page) == []
