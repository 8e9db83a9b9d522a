"""The front on its plane."""

from dataclasses import replace

import pytest
from run_fixtures import empty_run, finished_run, trial

from nas.report.sections.front import front_figure, hover
from nas.report.view import View


def drawn(figure):
    """Every marker of a figure as (x, y), rounded."""
    traces = [t for t in figure.data if t.mode and "markers" in t.mode]
    return sorted((round(x, 6), round(y, 6)) for t in traces for x, y in zip(t.x, t.y, strict=True) if x is not None)


@pytest.mark.parametrize(
    "objectives", [("accuracy", "latency"), ("accuracy", "latency", "params"), ("latency", "accuracy")]
)
def test_every_complete_trial_is_one_marker(tmp_path, objectives):
    run = finished_run(tmp_path / "run", objectives=objectives)
    factors = [100 if name == "accuracy" else 1 for name in objectives[:2]]
    expected = sorted(
        (round(t.metrics[objectives[1]] * factors[1], 6), round(t.metrics[objectives[0]] * factors[0], 6))
        for t in run.results
    )
    assert drawn(front_figure(View(run))) == expected


def test_axes_name_the_unit_and_a_wide_range_is_logarithmic(tmp_path):
    run = empty_run(tmp_path / "run")
    for number, latency in enumerate((0.2, 1.0, 9.0)):
        run.append(trial(run, number, metrics={"accuracy": 0.5 + number / 10, "latency": latency}))
    layout = front_figure(View(run)).layout
    assert layout.yaxis.title.text == "Accuracy (%)"
    assert layout.xaxis.title.text == "Latency (ms), logarithmic"
    assert layout.xaxis.type == "log"


def test_the_front_line_is_what_can_be_attained(tmp_path):
    """At each latency the line stands at the best accuracy of any trial that is no slower."""
    run = finished_run(tmp_path / "run", complete=40)
    line = next(t for t in front_figure(View(run)).data if t.name == "Pareto front")
    assert line.line.shape == "hv"
    for x, y in zip(line.x, line.y, strict=True):
        assert y == pytest.approx(100 * max(t.metrics["accuracy"] for t in run.results if t.metrics["latency"] <= x))


def test_hover_tells_the_architecture(tmp_path):
    run = finished_run(tmp_path / "run", complete=1)
    found = run.results[0]
    text = hover(found, run.config.objectives, run.trained_objectives)
    assert found.layout in text
    for stage in found.architecture.stages:
        assert f"{stage.block} × {stage.depth} @ {stage.width}" in text
    assert f"<b>{100 * found.metrics['accuracy']:.2f} %</b>" in text
    assert " ms</b>" in text
    assert "Parameters" in text
    assert "MACs" in text


def test_names_cannot_add_markup_to_a_hover(tmp_path):
    run = finished_run(tmp_path / "run", complete=1)
    found = run.results[0]
    odd = replace(found.architecture, stem=replace(found.architecture.stem, kind="<b>x"))
    found = replace(found, trial=replace(found.trial, architecture=odd))
    assert "&lt;b&gt;x" in hover(found, run.config.objectives, run.trained_objectives)


@pytest.mark.parametrize("counts", [(0, 0, 0), (1, 0, 0), (0, 2, 1)])
def test_runs_with_little_in_them_are_drawn(tmp_path, counts):
    run = finished_run(tmp_path / "run", *counts)
    front_figure(View(run)).to_json()
