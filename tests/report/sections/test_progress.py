"""How the search went."""

from dataclasses import replace
from pathlib import Path

import pytest
from run_fixtures import empty_run, finished_run, trial

from nas.record.analysis.growth import growth
from nas.record.analysis.timeline import Stint, stints
from nas.record.analysis.unlearnt import by_chance
from nas.record.run import Run
from nas.report.page import render
from nas.report.sections.progress import context, progress_figure, time_figure, timeline_figure
from nas.report.view import View


@pytest.fixture
def timed(tmp_path: Path) -> Run:
    """A run whose trials took ten seconds each, two side by side."""
    run = empty_run(tmp_path / "run")
    for number in range(20):
        state = "failed" if number == 3 else "complete"
        run.append(replace(trial(run, number, state, seconds={"train": 10.0}), ended=10.0 * (number // 2 + 1)))
    return run


@pytest.mark.parametrize("counts", [(0, 0, 0), (1, 0, 0), (0, 2, 1)])
def test_runs_with_little_in_them_are_drawn(tmp_path: Path, counts: tuple[int, int, int]) -> None:
    context(View(finished_run(tmp_path / "run", *counts)))


def test_the_front_is_drawn_over_trainings_beside_chance_and_over_time(timed: Run) -> None:
    grown, chance = growth(timed), by_chance(timed)
    assert chance
    search, band, line = progress_figure(grown, chance).data
    assert (search.x[0], search.x[-1]) == (1, 20)
    assert search.y[-1] == pytest.approx(100 * grown.shares[-1], abs=0.01)
    assert (line.x[-1], line.y[-1]) == (9, pytest.approx(100 * chance.mean[-1], abs=0.01))
    assert (band.x[0], max(band.x)) == (1, 4)  # of half of the nine
    (over_time,) = time_figure(grown).data
    assert over_time.x[-1] == pytest.approx(100, abs=0.001)
    assert time_figure(grown).layout.xaxis.title.text == "Seconds"


def test_the_timeline_has_a_bar_for_each_training(timed: Run) -> None:
    new, failed = timeline_figure(stints(timed)).data
    assert (new.name, failed.name) == ("new networks", "failed or rejected")
    assert new.x.count(None) == 19
    assert failed.text[0] == "trial 3: 10.0 s"
    assert [round(x) for x in failed.x[:2]] == [10, 20]
    assert set(new.y) == {1, 2, None}


def test_thousands_of_trainings_are_few_bars() -> None:
    many = [Stint(number, "new", number * 10.0, number * 10.0 + 9.99, 0) for number in range(5000)]
    (bars,) = timeline_figure(many).data
    assert len(bars.x) == 3
    assert bars.text[0] == "5000 trainings: 13 h 53 min"


def test_the_pace_and_the_control_are_told(timed: Run) -> None:
    shown = context(View(timed))
    assert shown["pace"] == {"further": 0, "hour": "", "took": "2 min"}
    assert "--sampler random" in shown["control"]
    assert shown["spent"] == [{"what": "training", "time": "3 min", "percent": 100.0}, *shown["spent"][1:]]
    page = render(timed)
    assert "trainings an hour" not in page, "of which so few minutes tell nothing"
    timed.append(replace(trial(timed, 20), ended=360.0))
    assert "took 6 min: 210 trainings an hour." in render(timed)
    assert "At most 2 ran side by side" in page
    assert "the loss became nan in epoch 2" in page
