"""Trials as lines across decisions and objectives."""

from dataclasses import replace

import pytest
from run_fixtures import finished_run

from nas.report import parallel
from nas.report.parallel import least_width, lines, offered, parallel_figure, selections
from nas.report.view import View

NAMES = ["stages.0.block", "stages.1.mbconv.expansion", "stages.2.width"]


@pytest.fixture(scope="module")
def view(tmp_path_factory):
    return View(finished_run(tmp_path_factory.mktemp("runs") / "run", complete=60))


def test_every_result_is_a_line_through_what_it_chose(view):
    drawn = lines(view)
    assert drawn == view.run.results
    trace = parallel_figure(view, drawn, NAMES).data[0]
    assert len(trace.dimensions) == 5
    for name, axis in zip(NAMES, trace.dimensions, strict=False):
        for result, place in zip(drawn, axis["values"], strict=True):
            told = axis.ticktext[round(place)]
            assert told == str(result.trial.decisions.get(name, "–"))


def test_better_is_upwards_for_every_objective(view):
    accuracy, latency = parallel_figure(view, lines(view), NAMES).data[0].dimensions[3:]
    assert accuracy.range[0] < accuracy.range[1]
    assert latency.range[0] > latency.range[1]
    best = max(result.metrics["accuracy"] for result in view.run.results)
    assert accuracy.range[1] == pytest.approx(100 * best, abs=0.01)


def test_numbers_are_in_order_and_absence_comes_last(view):
    assert offered(view.run.results, "stages.2.width") == [48, 64]
    assert offered(view.run.results, "stages.1.mbconv.expansion") == [2, 4, None]
    assert offered(view.run.results, "stages.0.block") == ["conv", "mbconv", "moat", "transformer"]


def test_many_are_thinned_and_the_front_stays(view, monkeypatch):
    monkeypatch.setattr(parallel, "LINES", 20)
    numbers = {result.number for result in lines(view)}
    assert len(numbers) == 20
    assert {result.number for result in view.front} <= numbers


def test_a_selection_holds_the_lines_of_its_value(view):
    drawn = lines(view)
    axes = parallel_figure(view, drawn, NAMES).data[0].dimensions
    for choice, axis, name in zip(selections(drawn, NAMES), axes, NAMES, strict=False):
        assert choice["label"] == axis.label
        for value in choice["values"]:
            low, high = value["range"]
            held = [result.trial.decisions.get(name) for result, place in zip(drawn, axis["values"], strict=True)
                    if low <= place <= high]  # fmt: skip
            assert set(map(str, held)) == {value["words"].replace("–", "None")}


def test_long_names_take_room(view):
    first = view.run.results[0]
    stages = tuple(replace(stage, block="attention_augmented") for stage in first.architecture.stages)
    long = replace(first, trial=replace(first.trial, architecture=replace(first.architecture, stages=stages)))
    assert least_width(view, [first], ["stages.0.block"]) < least_width(view, [long], ["stages.0.block"])
    margins = [parallel_figure(view, [one], ["stages.0.block"]).layout.margin.l for one in (first, long)]
    assert margins[0] < margins[1]
