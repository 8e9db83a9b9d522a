import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from trained_fixtures import answers, history

from nas.report import training_figures as charts
from nas.training.full.verdict import Bin, calibration, confusion


def table_of(classes, images):
    return np.array(confusion(*answers(classes, images)))


@pytest.mark.parametrize("epochs", [1, 7, 100])
def test_curves_have_a_point_for_every_epoch(epochs):
    past = history(epochs)
    loss, metrics = charts.loss_figure(past, 1), charts.metric_figure(past, ["accuracy", "balanced_accuracy"], 1)
    for trace in (*loss.data, *metrics.data, *charts.rate_figure(past).data):
        assert list(trace.x) == list(range(1, epochs + 1))
        assert len(trace.y) == epochs
    assert list(loss.data[0].y) == [e.loss for e in past]
    assert list(loss.data[1].y) == [e.validation_loss for e in past]
    assert list(metrics.data[0].y) == pytest.approx([100 * e.metrics["accuracy"] for e in past])


def test_of_curves_that_lie_on_each_other_every_one_shows():
    names = ["accuracy", "balanced_accuracy", "macro_f1"]
    figure = charts.metric_figure(history(6, names), names, 1)
    assert len({trace.line.dash for trace in figure.data}) == len(names)
    for below, above in pairwise(figure.data):  # plotly draws the later over the earlier
        assert below.line.width > above.line.width
        assert below.marker.size > above.marker.size
    assert figure.layout.showlegend


def test_losses_far_apart_are_on_a_logarithmic_axis():
    near = history(3)
    far = [replace(epoch, loss=9 * epoch.validation_loss) for epoch in near]
    assert charts.loss_figure(near, 1).layout.yaxis.type is None
    axis = charts.loss_figure(far, 1).layout.yaxis
    assert (axis.type, axis.title.text) == ("log", "Loss, logarithmic")
    far[1] = replace(far[1], validation_loss=math.nan)
    assert charts.loss_figure(far, 1).layout.yaxis.type is None


def test_the_best_epoch_is_marked_in_losses_and_metrics():
    past = history(9)
    for figure in (charts.loss_figure(past, 8), charts.metric_figure(past, ["accuracy"], 8)):
        assert [shape.x0 for shape in figure.layout.shapes] == [8]
        assert "epoch 8" in figure.layout.annotations[0].text
    assert not charts.loss_figure(past, 0).layout.shapes


def test_a_value_that_is_no_number_leaves_a_gap():
    past = history(3)
    past[1] = replace(past[1], validation_loss=math.nan, metrics={"accuracy": math.inf})
    assert charts.loss_figure(past, 1).data[1].y[1] is None
    assert charts.metric_figure(past, ["accuracy"], 1).data[0].y[1] is None


def test_shares_are_drawn_together_and_other_metrics_apart():
    past = history(2, ("accuracy", "latency", "top5", "params"))
    assert charts.metric_groups(past) == [["accuracy", "top5"], ["latency"], ["params"]]
    assert charts.metric_figure(past, ["latency"], 1).layout.yaxis.title.text == "Latency (ms)"
    assert charts.metric_groups(past, {"top5"}) == [["accuracy"], ["latency"], ["params"]]
    assert charts.metric_groups([]) == []


@pytest.mark.parametrize("classes", [2, 10, 43, 150])
def test_cells_tell_right_from_wrong_and_how_often(classes):
    table = table_of(classes, 900)
    heat = charts.confusion_figure(table, [f"name {i}" for i in range(classes)]).data[0]
    z, right = np.array(heat.z), np.eye(classes, dtype=bool)
    assert np.array_equal(z < 0, (table > 0) & right)
    assert np.array_equal(z > 0, (table > 0) & ~right)
    assert (z.min(), z.max()) >= (-100, 0)
    assert z.max() <= 100
    i, j = max(np.ndindex(table.shape), key=lambda cell: table[cell] * (cell[0] != cell[1]))
    assert f"<b>{table[i, j]} of {table[i].sum()}</b>" in heat.hovertext[i][j]
    assert f"name {i}" in heat.hovertext[i][j].split("<br>")[0]
    assert f"name {j}" in heat.hovertext[i][j].split("<br>")[1]
    assert all((text != "") == (count > 0) for text, count in zip(np.ravel(heat.hovertext), table.ravel(), strict=True))


def test_a_larger_share_of_the_row_is_a_stronger_colour_whatever_the_size_of_the_class():
    table = np.array([[90, 10, 0], [5, 5, 0], [1, 0, 99]])
    z = np.array(charts.confusion_figure(table, "abc").data[0].z)
    assert z[1, 0] == 100
    assert z[1, 0] > z[0, 1] > z[2, 0] > 0
    assert z[2, 2] < z[0, 0] < z[1, 1] < 0


@pytest.mark.parametrize(("classes", "labels", "numbers"), [(10, True, True), (43, True, False), (100, False, False)])
def test_labels_and_numbers_are_left_out_where_they_would_not_be_readable(classes, labels, numbers):
    figure = charts.confusion_figure(table_of(classes, 500), [f"name {i}" for i in range(classes)])
    assert (figure.layout.xaxis.showticklabels is not False) == labels
    assert (figure.data[0].texttemplate is not None) == numbers
    assert figure.layout.height <= 920


def test_a_thousand_classes_are_dots_that_stay_few():
    table = table_of(1000, 20_000)
    (dots,) = charts.confusion_figure(table, [f"name {i}" for i in range(1000)]).data
    known = int((table.diagonal() > 0).sum())
    wrong = table - np.diag(table.diagonal())
    assert len(dots.x) == known + min(charts.DOTS, int((wrong > 0).sum()))
    assert all(table[y, x] for x, y in zip(dots.x, dots.y, strict=True))
    off = [int(table[y, x]) for x, y in zip(dots.x, dots.y, strict=True) if x != y]
    assert off == sorted(wrong.ravel().tolist(), reverse=True)[: len(off)]


@pytest.mark.parametrize("table", [np.zeros((3, 3), int), np.eye(3, dtype=int), np.zeros((300, 300), int)])
def test_a_matrix_without_mistakes_or_images_is_drawn(table):
    charts.confusion_figure(table, [str(i) for i in range(len(table))]).to_json()


def test_names_cannot_add_markup_or_turn_their_surroundings_round():
    figure = charts.confusion_figure(np.ones((2, 2), int), ['<b>"it\'s"</b>\n&amp;', "שלום (1)"])
    shown = figure.layout.xaxis.ticktext
    assert shown[0] == '\u2068&lt;b&gt;"it\'s"&lt;/b&gt; &amp;amp;\u2069'
    assert shown[1] == "\u2068שלום (1)\u2069"
    assert '<b>"it' not in figure.data[0].hovertext[0][0]


def test_bars_stand_at_their_bins_with_wilsons_whiskers():
    bins = calibration(*answers(4, 500))
    bars, counts = charts.reliability_figure(bins).data
    assert list(bars.y) == pytest.approx([100 * b.accuracy for b in bins])
    assert list(counts.y) == [b.count for b in bins]
    edges = [(x - w / 2, x + w / 2) for x, w in zip(bars.x, bars.width, strict=True)]
    for (left, right), one in zip(edges, bins, strict=True):
        assert 100 * one.low < left < right < 100 * one.high
    (single,) = charts.reliability_figure([Bin(0.9, 1.0, 40, 0.95, 0.9)]).data[0].hovertext
    assert "40 images" in single
    assert "90.00 % right</b> (95 % interval 76.9 to 96.0)" in single
