"""The planes of a run's report."""

import json
from dataclasses import replace
from itertools import combinations
from typing import Any

import plotly.graph_objects as go
import pytest
from run_fixtures import empty_run, finished_run, trial

from nas.evaluation.job import Outcome
from nas.record.trial import Further
from nas.report.planes import Plane, planes
from nas.report.view import View

OBJECTIVES = [("accuracy", "latency"), ("accuracy", "latency", "params"), ("latency", "accuracy")]
NEAR = {"rel": 1e-5}


def front_figure(view: View) -> go.Figure:
    """The plane of the first two objectives."""
    return planes(view)[0].figure()


def drawn(figure: go.Figure, *parts: str) -> dict[int, tuple[float, float]]:
    """Where each trial's marker is, of the parts named or of all."""
    return {
        number: (x, y)
        for trace in figure.data
        if trace.customdata is not None and (not parts or trace.meta["part"] in parts)
        for number, x, y in zip(trace.customdata, trace.x, trace.y, strict=True)
    }


def part(figure: go.Figure, name: str) -> Any:
    return next(trace for trace in figure.data if trace.meta["part"] == name)


@pytest.mark.parametrize("objectives", OBJECTIVES)
def test_every_complete_trial_is_one_marker_of_each_pair(tmp_path, objectives):
    run = finished_run(tmp_path / "run", failed=0, rejected=0, objectives=objectives)
    found = planes(View(run))
    assert [(plane.y.name, plane.x.name) for plane in found] == list(combinations(objectives, 2))
    for plane in found:
        figure = plane.figure()
        assert sum(len(t.x) for t in figure.data if t.customdata is not None) == len(run.results)
        places = drawn(figure)
        for result in run.results:
            expected = [result.metrics[axis.name] * axis.unit.factor for axis in (plane.x, plane.y)]
            assert places[result.number] == pytest.approx(tuple(expected), **NEAR)


def test_axes_name_the_unit_and_a_wide_range_is_logarithmic(tmp_path):
    run = empty_run(tmp_path / "run")
    for number, (latency, accuracy) in enumerate(((0.2, 0.03), (1.0, 0.6), (9.0, 0.9))):
        run.append(trial(run, number, metrics={"accuracy": accuracy, "latency": latency}))
    layout = front_figure(View(run)).layout
    assert "Accuracy (%)" in layout.yaxis.title.text
    assert layout.yaxis.type is None, "a share is never on a logarithmic axis"
    assert "Latency (ms)" in layout.xaxis.title.text
    assert layout.xaxis.title.text.endswith(", logarithmic")
    assert layout.xaxis.type == "log"


def test_the_front_line_is_what_can_be_attained(tmp_path):
    """At each latency the line stands at the best accuracy of any trial that is no slower."""
    run = finished_run(tmp_path / "run", complete=40)
    line = part(front_figure(View(run)), "steps")
    assert line.line.shape == "hv"
    for x, y in zip(line.x, line.y, strict=True):
        best = max(t.metrics["accuracy"] for t in run.results if t.metrics["latency"] <= x * (1 + 1e-5))
        assert y == pytest.approx(100 * best, **NEAR)


@pytest.mark.parametrize("counts", [(0, 0, 0), (1, 0, 0), (0, 2, 1)])
def test_runs_with_little_in_them(tmp_path, counts):
    run = finished_run(tmp_path / "run", *counts)
    if run.results:
        front_figure(View(run)).to_json()
    else:
        assert View(run).front == []


def test_limits_are_lines_that_say_what_they_are(tmp_path):
    run = finished_run(tmp_path / "run", maximum={"latency": 0.5, "macs": 1e6}, minimum={})
    layout = front_figure(View(run)).layout
    assert [(line.x0, line.x1, line.yref) for line in layout.shapes] == [(0.5, 0.5, "paper")]
    assert ["limit ≤" in note.text and "0.500 ms" in note.text for note in layout.annotations] == [True]


def test_the_name_of_the_pick_stands_clear_of_the_axis(tmp_path):
    """A limit far off leaves no room at the side of a pick that is near the axis."""
    sides = []
    for limits in ({}, {"latency": 30.0}):
        run = empty_run(tmp_path / f"run{len(sides)}", maximum=limits)
        for number, (latency, accuracy) in enumerate(((1.0, 0.3), (1.6, 0.6), (2.0, 0.61))):
            run.append(trial(run, number, metrics={"latency": latency, "accuracy": accuracy}))
        sides.append(part(front_figure(View(run)), "pick").textposition)
    assert sides == ["top left", "top center"]


@pytest.mark.parametrize(
    ("known", "axes"),
    [
        ({"latency": 1.5, "params": 9.0}, ("x", "y2")),
        ({"accuracy": 0.25}, ("x2", "y")),
        ({"accuracy": 0.25, "latency": 1.5}, ("x", "y")),
    ],
)
def test_the_failed_lie_at_what_is_known_of_them(tmp_path, known, axes):
    run = finished_run(tmp_path / "run", failed=0, rejected=0)
    run.append(trial(run, 30, "failed", metrics=known))
    run.append(trial(run, 31, "failed", metrics={"params": 3.0}))
    mark = part(front_figure(View(run)), "failed")
    assert list(mark.customdata) == [30], "of trial 31 no objective is known"
    assert (mark.xaxis, mark.yaxis) == axes
    assert mark.visible is False, "until it is asked for"
    if "latency" in known:
        assert list(mark.x) == [1.5]
    if "accuracy" in known:
        assert list(mark.y) == [25.0]


def test_results_below_the_last_rung_are_rings_of_their_own(tmp_path):
    run = finished_run(tmp_path / "run", failed=0, rejected=0, rungs=(1, 3))
    for number in (2, 5, 7):
        run.append_further(Further(number, 0, Outcome("complete", run.trials[number].metrics), rung=1))
    figure = front_figure(View(run))
    below = {result.number for result in run.results if result.rung == 0}
    assert set(drawn(figure, "below")) == below
    assert set(drawn(figure)) - below == {2, 5, 7}
    assert part(figure, "below").marker.symbol == "circle-open"


def test_error_bars_of_both_axes(tmp_path):
    run = finished_run(tmp_path / "run", complete=6, failed=0, rejected=0)
    for result in run.front():
        for repeat in (1, 2, 3):
            again = result.metrics | {"accuracy": result.metrics["accuracy"] - 0.01 * repeat}
            run.append_further(Further(result.number, repeat, Outcome("complete", again)))
    view = View(run)
    assert len(view.front) > 1
    marks = [mark for mark in front_figure(view).data if mark.meta["part"] in ("front", "pick")]
    bars = {n: (x, y) for mark in marks
            for n, x, y in zip(mark.customdata, mark.error_x.array, mark.error_y.array, strict=True)}  # fmt: skip
    for result in view.front:
        iqr = result.trial.outcome.readings["latency"]["iqr"]
        expected = (iqr / 2, 100 * result.intervals["accuracy"]) if result.intervals else (iqr / 2, 0)
        assert bars[result.number] == pytest.approx(expected, **NEAR)
    assert any(result.intervals for result in view.front)


def test_what_was_measured_again_is_joined_to_what_it_counted_as(tmp_path):
    run = finished_run(tmp_path / "run")
    first = run.front()[0]
    run.keep_front_reading("latency", first.key, 2.25, {"iqr": 0.5})
    line = part(front_figure(View(run)), "again")
    assert list(line.x) == [pytest.approx(first.metrics["latency"], **NEAR), 2.25, None]
    assert list(line.error_x.array) == [0, 0.25, 0]


def test_designs_are_named_where_they_were_measured(tmp_path):
    run = finished_run(tmp_path / "run")
    keys = [run.results[i].key for i in (3, 5)]
    run.seal["seeds"] = [
        {"name": "moat_0", "key": keys[0], "exact": True},
        {"name": "<b>x", "key": keys[1], "exact": False},
        {"name": "never_trained", "key": "0" * 12, "exact": True},
    ]
    mark = part(front_figure(View(run)), "designs")
    assert list(mark.customdata) == [run.results[3].number, run.results[5].number]
    assert mark.text[0] == "\u2068moat_0\u2069"
    assert mark.text[1] == "\u2068near &lt;b&gt;x\u2069"


@pytest.mark.parametrize("wide", [False, True])
def test_the_region_holds_the_front(tmp_path, wide):
    run = finished_run(tmp_path / "run", complete=30)
    if wide:
        run.append(trial(run, 90, metrics=run.results[0].metrics | {"latency": 40.0}))
    plane = Plane(View(run), "latency", "accuracy")
    assert plane.x.wide is wide
    low, high = plane.x.region()
    values = [plane.x.place(result.metrics["latency"]) for result in run.front()]
    assert low < min(values) < max(values) < high


def test_the_region_holds_the_error_bars(tmp_path):
    run = finished_run(tmp_path / "run", complete=30)
    for result in run.results:
        for repeat, shift in ((1, -0.1), (2, 0.1)):
            again = result.trial.metrics | {"accuracy": result.trial.metrics["accuracy"] + shift}
            run.append_further(Further(result.number, repeat, Outcome("complete", again)))
    plane = Plane(View(run), "latency", "accuracy")
    low, high = plane.y.region()
    ends = [100 * (t.metrics["accuracy"] + side * t.intervals["accuracy"]) for t in run.front() for side in (-1, 1)]
    assert low < min(ends) < max(ends) < high


def test_block_names_are_text(tmp_path):
    run = finished_run(tmp_path / "run", complete=4)
    space = run.folder / "space.yaml"
    odd = "<b>x"
    space.write_text(space.read_text().replace("mbconv", f"'{odd}'"))
    for i, done in enumerate(run.trials):
        stages = tuple(replace(stage, block=odd) for stage in done.architecture.stages)
        run.trials[i] = replace(done, architecture=replace(done.architecture, stages=stages))
    figure = json.loads(front_figure(View(run)).to_json())
    names = [trace.get("name", "") for trace in figure["data"]]
    assert any("&lt;b&gt;x" in name for name in names)
    assert not any(odd in name for name in names)
