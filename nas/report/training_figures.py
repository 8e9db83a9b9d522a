"""Plotly figures of a full training: its curves, its confusion matrix and its calibration."""

from collections.abc import Callable, Container, Sequence
from math import isfinite

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from nas.evaluation import units
from nas.evaluation.catalogue import objective
from nas.report.charts import LOGARITHMIC, Attributes, literal, style
from nas.report.confusion import Table, mistakes
from nas.training.chance import wilson
from nas.training.full.progress import Epoch
from nas.training.full.verdict import Bin

DOTTED = 40  # epochs; more are a line without dots
FAR = 4  # times the validation's loss; if that of the training is always larger, the axis is logarithmic
LABELLED = 60  # classes; more are without labels at the axes
WRITTEN = 12  # classes; more are without numbers in the cells
CELLS = 200  # classes; more are dots
DOTS = 2000  # mistakes that are drawn as dots
MAPPED = 5000  # classes; more have no map
STROKES = (("solid", 5.0, 9), ("dash", 3.6, 7), ("dot", 2.6, 5), ("dashdot", 1.4, 3))
"""The dash, width and size of dots of each curve that others may cover: the thinner over the broader, so all show."""
BETWEEN = "#3787c0"  # stands out on white as much as on black
Places = NDArray[np.int64]


def loss_figure(history: Sequence[Epoch], best: int) -> go.Figure:
    """Draw the losses of the training and the validation part, on a logarithmic axis where they lie far apart.

    A detector's training adds what each of its layers lost, so that its validation would lie on the axis.
    """
    own = [
        _curve(history, "training", lambda e: e.loss, "%{y:.4f}").update(line_dash="dot"),
        _curve(history, "validation", lambda e: e.validation_loss, "%{y:.4f}"),
    ]
    figure = _marked(_by_epoch(own, history, "Loss"), history, best, "top")
    apart = all(0 < FAR * epoch.validation_loss < epoch.loss for epoch in history)
    if not apart:
        return figure
    return figure.update_yaxes(title="Loss, logarithmic", **LOGARITHMIC)


def metric_groups(history: Sequence[Epoch], left_out: Container[str] = ()) -> list[list[str]]:
    """Group the metrics of the validation part by chart: shares together, every other by itself."""
    names = [name for name in history[-1].metrics if name not in left_out] if history else []
    shares = [name for name in names if objective(name).share]
    return [group for group in (shares, *([name] for name in names if name not in shares)) if group]


def metric_figure(history: Sequence[Epoch], names: Sequence[str], best: int) -> go.Figure:
    """Draw metrics of one unit on the validation part."""
    unit = units.unit_of(names[0], [abs(value) for e in history if isfinite(value := e.metrics[names[0]])])
    text = f"%{{y:.2f}} {unit.name}"
    curves = [_curve(history, units.title(name), _metric(name, unit.factor), text) for name in names]
    single = len(names) == 1
    for curve, (dash, width, size) in zip(curves, () if single else STROKES, strict=False):
        curve.update(line={"dash": dash, "width": width}, marker_size=size)
    heading = units.heading(names[0], unit.name) if single else f"Validation ({unit.name})"
    figure = _by_epoch(curves, history, heading).update_layout(showlegend=not single)
    lower = objective(names[0]).goal == "minimize"
    return _marked(figure, history, best, "top" if lower else "bottom")


def _metric(name: str, factor: float) -> Callable[[Epoch], float]:
    return lambda epoch: epoch.metrics[name] * factor


def rate_figure(history: Sequence[Epoch]) -> go.Figure:
    """Draw the learning rate at the end of each epoch."""
    curve = _curve(history, "learning rate", lambda e: e.learning_rate, "%{y:.3~g}")
    figure = _by_epoch([curve], history, "Learning rate").update_layout(showlegend=False)
    return figure.update_yaxes(rangemode="tozero", exponentformat="power")


def _curve(history: Sequence[Epoch], name: str, value: Callable[[Epoch], float], text: str) -> go.Scatter:
    values = [float(value(epoch)) for epoch in history]
    return go.Scatter(
        x=[epoch.number for epoch in history],
        y=[v if isfinite(v) else None for v in values],
        name=name,
        mode="lines+markers" if len(history) <= DOTTED else "lines",
        line_width=2.2,
        marker_size=5,
        hovertemplate=f"{text}<extra>{name}</extra>",
    )


def _by_epoch(curves: Sequence[go.Scatter], history: Sequence[Epoch], heading: str) -> go.Figure:
    figure = style(go.Figure(list(curves)), height=340)
    few = len(history) <= 10
    figure.update_xaxes(title="Epoch", tickformat=",d", dtick=1 if few else None, hoverformat="d")
    if len(history) == 1:
        figure.update_xaxes(range=[history[0].number - 0.5, history[0].number + 0.5])
    figure.update_yaxes(title=heading)
    return figure.update_layout(hovermode="x unified", margin={"t": 60, "r": 16}, showlegend=True)


def _marked(figure: go.Figure, history: Sequence[Epoch], best: int, height: str) -> go.Figure:
    """Mark the best epoch, its words on the side with more room."""
    if not any(epoch.number == best for epoch in history):
        return figure
    side = "left" if best > len(history) / 2 else "right"
    where = {"annotation_text": f"best: epoch {best}", "annotation_position": f"{height} {side}"}
    return figure.add_vline(x=best, line_width=1.5, line_dash="dot", **where)


def confusion_figure(table: Table, classes: Sequence[str]) -> go.Figure:
    """Draw the confusion matrix: each row's right answers in blue, its mistakes in orange, by share of the row.

    The square root of a share makes the colour of a mistake, so that rare ones are seen too. The cells of very many
    classes would be too small to see: then every class and the most frequent mistakes are dots.
    """
    count, draw = len(table), _dots if len(table) > CELLS else _cells
    figure = style(go.Figure(draw(table, classes, largest_mistake(table) or 1.0)), height=_height(count))
    scale = {"cmin": -100, "cmax": 100, "showscale": False}
    figure.update_layout(margin={"t": 36, "l": 24, "r": 24}, coloraxis=scale)
    ticks: Attributes = {
        "tickmode": "array",
        "tickvals": [*range(count)],
        "ticktext": [literal(n, 20) for n in classes],
    }
    named: Attributes = ticks if count <= LABELLED else {"showticklabels": False}
    named = named | {"showgrid": False, "ticks": "", "showline": False, "tickfont_size": 11 if count > 25 else 13}
    figure.update_xaxes(title="Predicted class", range=[-0.5, count - 0.5], **named)
    return figure.update_yaxes(title="True class", range=[count - 0.5, -0.5], **named)


def _height(classes: int) -> int:
    return min(max(17 * classes + 150, 400), 880)


def _cells(table: Table, classes: Sequence[str], most: float) -> go.Heatmap:
    count = len(table)
    colours, texts = np.zeros(table.shape, np.int8), [[""] * count for _ in table]
    rows, columns = np.nonzero(table)
    colours[rows, columns] = _colours(table, rows, columns, most)
    for i, j, text in zip(rows, columns, _texts(table, classes, rows, columns), strict=True):
        texts[i][j] = text
    gap = 1 if count <= LABELLED else 0
    heat = go.Heatmap(z=colours, coloraxis="coloraxis", hovertext=texts, hoverinfo="text", xgap=gap, ygap=gap)
    if count <= WRITTEN:
        shares = table / np.maximum(table.sum(1, keepdims=True), 1)
        heat.update(text=[[_written(share) for share in row] for row in shares], texttemplate="%{text}")
    return heat


def _dots(table: Table, classes: Sequence[str], most: float) -> go.Scatter:
    counts = mistakes(table)
    rows, columns = np.nonzero(counts)
    first = np.argsort(-counts[rows, columns], kind="stable")[:DOTS]
    known = np.flatnonzero(table.diagonal())
    rows, columns = np.concatenate([known, rows[first]]), np.concatenate([known, columns[first]])
    marker = {"color": _colours(table, rows, columns, most), "coloraxis": "coloraxis", "size": 5, "symbol": "square"}
    texts = _texts(table, classes, rows, columns)
    return go.Scatter(x=columns, y=rows, mode="markers", marker=marker, hovertext=texts, hoverinfo="text")


def _colours(table: Table, rows: Places, columns: Places, most: float) -> Places:
    """Place cells on the scale: right answers from 0 to -100, mistakes from 0 to 100, but never on 0."""
    shares = table[rows, columns] / table.sum(1)[rows]
    found: Places = np.ceil(100 * np.where(rows == columns, shares, np.sqrt(shares / most))).astype(np.int64)
    return np.where(rows == columns, -found, found)


def _texts(table: Table, classes: Sequence[str], rows: Places, columns: Places) -> list[str]:
    """Write the hover of cells that have images."""
    names, images = [literal(name, 40) for name in classes], table.sum(1)
    return [
        f"true {names[i]}<br>predicted {names[j]}<br><b>{table[i, j]} of {images[i]}</b> images, "
        f"{units.percent(float(table[i, j] / images[i]))}"
        for i, j in zip(rows, columns, strict=True)
    ]


def _written(share: float) -> str:
    """Write a share in a cell, in whole percent."""
    return "" if not share else "<1" if share < 0.005 else f"{100 * share:.0f}"


def largest_mistake(table: Table) -> float:
    """Return the largest share of a class that was taken for one other, which ends the scale of colours."""
    return float((mistakes(table) / np.maximum(table.sum(1, keepdims=True), 1)).max())


def reliability_figure(bins: Sequence[Bin]) -> go.Figure:
    """Draw how often answers are right by how sure the network was, and how many answers there are."""
    figure = make_subplots(rows=2, shared_xaxes=True, row_heights=[0.74, 0.26], vertical_spacing=0.05)
    bounds = [wilson(round(b.accuracy * b.count), b.count) for b in bins]
    common = {
        "x": [50 * (b.low + b.high) for b in bins],
        "width": [100 * (b.high - b.low) * 0.94 for b in bins],
        "hovertext": [_bin(b, low, high) for b, (low, high) in zip(bins, bounds, strict=True)],
        "hoverinfo": "text",
        "marker": {"color": BETWEEN, "opacity": 0.65},
    }
    spread = {
        "type": "data", "symmetric": False, "thickness": 1.2, "width": 3,
        "array": [100 * max(high - b.accuracy, 0) for b, (_, high) in zip(bins, bounds, strict=True)],
        "arrayminus": [100 * max(b.accuracy - low, 0) for b, (low, _) in zip(bins, bounds, strict=True)],
    }  # fmt: skip
    figure.add_trace(go.Bar(y=[100 * b.accuracy for b in bins], error_y=spread, **common), 1, 1)
    figure.add_trace(go.Bar(y=[b.count for b in bins], **common), 2, 1)
    style(figure, height=480).update_layout(showlegend=False, margin={"t": 40, "r": 16})
    figure.add_shape(type="line", x0=0, y0=0, x1=100, y1=100, line_dash="dash", line_width=2, row=1, col=1)
    figure.update_xaxes(range=[0, 100]).update_xaxes(title="How sure the network was (%)", row=2)
    figure.update_yaxes(range=[0, 102], title="Right (%)", row=1)
    return figure.update_yaxes(title="Images", rangemode="tozero", nticks=4, row=2)


def _bin(one: Bin, low: float, high: float) -> str:
    return (
        f"{one.count:,} images, sure to {100 * one.low:.0f} to {100 * one.high:.0f} %<br>"
        f"on average to {units.percent(one.confidence)}<br>"
        f"<b>{units.percent(one.accuracy)} right</b> (95 % interval {100 * low:.1f} to {100 * high:.1f})"
    )
