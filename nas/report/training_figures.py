"""Plotly figures of a full training: its curves, its confusion matrix and its calibration."""

from collections.abc import Callable, Sequence
from math import isfinite

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from nas.evaluation import units
from nas.evaluation.catalogue import objective
from nas.report.charts import Attributes, literal, style
from nas.report.confusion import Table, mistakes, wilson
from nas.training.full.loop import Epoch
from nas.training.full.verdict import Bin

DOTTED = 40  # epochs; more are a line without dots
LABELLED = 60  # classes; more are without labels at the axes
WRITTEN = 12  # classes; more are without numbers in the cells
MAPPED = 1500  # classes; more have no map


def loss_figure(history: Sequence[Epoch], best: int) -> go.Figure:
    """Draw the losses of the training and the validation part."""
    own = [
        _curve(history, "training", lambda e: e.loss, "%{y:.4f}").update(line_dash="dot"),
        _curve(history, "validation", lambda e: e.validation_loss, "%{y:.4f}"),
    ]
    return _marked(_by_epoch(own, history, "Loss"), history, best, "top")


def metric_groups(history: Sequence[Epoch]) -> list[list[str]]:
    """Group the metrics of the validation part by chart: shares together, every other by itself."""
    names = [*history[0].metrics] if history else []
    shares = [name for name in names if objective(name).share]
    return [group for group in (shares, *([name] for name in names if name not in shares)) if group]


def metric_figure(history: Sequence[Epoch], names: Sequence[str], best: int) -> go.Figure:
    """Draw metrics of one unit on the validation part."""
    unit = units.unit_of(names[0], [abs(value) for e in history if isfinite(value := e.metrics[names[0]])])
    curves = [
        _curve(
            history, units.title(name), lambda e, name=name: e.metrics[name] * unit.factor, f"%{{y:.2f}} {unit.name}"
        )
        for name in names
    ]
    for curve, dash in zip(curves, ("solid", "dash", "dot", "dashdot"), strict=False):
        curve.update(line_dash=dash)
    single = len(names) == 1
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
        figure.update_xaxes(range=[history[0].number - 1, history[0].number + 1])
    figure.update_yaxes(title=heading)
    return figure.update_layout(hovermode="x unified", margin={"t": 40, "r": 16}, showlegend=True)


def _marked(figure: go.Figure, history: Sequence[Epoch], best: int, height: str) -> go.Figure:
    """Mark the best epoch, its words on the side with more room."""
    if not any(epoch.number == best for epoch in history):
        return figure
    side = "left" if best > len(history) / 2 else "right"
    where = {"annotation_text": f"best: epoch {best}", "annotation_position": f"{height} {side}"}
    return figure.add_vline(x=best, line_width=1.5, line_dash="dot", **where)


def confusion_figure(table: Table, classes: Sequence[str]) -> go.Figure:
    """Draw the confusion matrix: each row's right answers in blue, its mistakes in orange, by share of the row.

    The square root of a share makes the colour of a mistake, so that rare ones are seen too.
    """
    count, images = len(table), np.maximum(table.sum(1, keepdims=True), 1)
    shares, wrong = table / images, mistakes(table) / images
    most = float(wrong.max()) or 1.0
    colours = np.ceil(100 * np.sqrt(wrong / most)) - np.ceil(100 * np.diag(np.diag(shares)))
    heat = go.Heatmap(
        z=colours.astype(np.int8),
        coloraxis="coloraxis",
        hovertext=_cells(table, [literal(name, 40) for name in classes]),
        hoverinfo="text",
        xgap=1 if count <= LABELLED else 0,
        ygap=1 if count <= LABELLED else 0,
    )
    if count <= WRITTEN:
        heat.update(text=[[_written(share) for share in row] for row in shares], texttemplate="%{text}")
    figure = style(go.Figure(heat), height=int(min(max(17 * count + 190, 440), 920)))
    figure.update_layout(margin={"t": 84, "l": 24, "r": 24}, coloraxis=_scale(most))
    ticks: Attributes = {
        "tickmode": "array",
        "tickvals": [*range(count)],
        "ticktext": [literal(n, 20) for n in classes],
    }
    named: Attributes = ticks if count <= LABELLED else {"showticklabels": False}
    named = named | {"showgrid": False, "ticks": "", "showline": False, "tickfont_size": 11 if count > 25 else 13}
    figure.update_xaxes(title="Predicted class", constrain="domain", **named)
    return figure.update_yaxes(title="True class", autorange="reversed", **named)


def _cells(table: Table, names: Sequence[str]) -> list[list[str]]:
    """Write the hover of every cell that has images."""
    texts = [[""] * len(table) for _ in table]
    images = table.sum(1)
    for i, j in zip(*map(list, np.nonzero(table)), strict=True):
        share = units.percent(float(table[i, j] / images[i]))
        texts[i][j] = f"true {names[i]}<br>predicted {names[j]}<br><b>{table[i, j]} of {images[i]}</b> images, {share}"
    return texts


def _written(share: float) -> str:
    """Write a share in a cell, in whole percent."""
    return "" if not share else "<1" if share < 0.005 else f"{100 * share:.0f}"


def _scale(most: float) -> Attributes:
    """Explain the colours, right answers to the left, mistakes to the right."""
    bar = {
        "orientation": "h", "x": 0, "xanchor": "left", "y": 1.01, "yanchor": "bottom", "len": 0.9,
        "tickvals": [-100, -50, 0, 25, 50, 100], "ticklabelposition": "outside top",
        "ticktext": ["100 % right", "50 %", "0", *(f"{100 * most * share:.2g} %" for share in (1 / 16, 1 / 4)),
                     f"{100 * most:.2g} % mistaken"],
    }  # fmt: skip
    return {"cmin": -100, "cmax": 100, "colorbar": bar}


def reliability_figure(bins: Sequence[Bin]) -> go.Figure:
    """Draw how often answers are right by how sure the network was, and how many answers there are."""
    figure = make_subplots(rows=2, shared_xaxes=True, row_heights=[0.74, 0.26], vertical_spacing=0.05)
    bounds = [wilson(round(b.accuracy * b.count), b.count) for b in bins]
    common = {
        "x": [50 * (b.low + b.high) for b in bins],
        "width": [100 * (b.high - b.low) * 0.94 for b in bins],
        "hovertext": [_bin(b, low, high) for b, (low, high) in zip(bins, bounds, strict=True)],
        "hoverinfo": "text",
    }
    spread = {
        "type": "data", "symmetric": False, "thickness": 1.2, "width": 3,
        "array": [100 * max(high - b.accuracy, 0) for b, (_, high) in zip(bins, bounds, strict=True)],
        "arrayminus": [100 * max(b.accuracy - low, 0) for b, (low, _) in zip(bins, bounds, strict=True)],
    }  # fmt: skip
    figure.add_trace(go.Bar(y=[100 * b.accuracy for b in bins], error_y=spread, opacity=0.85, **common), 1, 1)
    figure.add_trace(go.Bar(y=[b.count for b in bins], opacity=0.55, **common), 2, 1)
    style(figure, height=480).update_layout(showlegend=False, margin={"t": 16, "r": 16})
    figure.add_shape(type="line", x0=0, y0=0, x1=100, y1=100, line_dash="dash", line_width=1.5, row=1, col=1)
    figure.update_xaxes(range=[0, 100]).update_xaxes(title="How sure the network was (%)", row=2)
    figure.update_yaxes(range=[0, 102], title="Right (%)", row=1)
    return figure.update_yaxes(title="Images", rangemode="tozero", nticks=4, row=2)


def _bin(one: Bin, low: float, high: float) -> str:
    return (
        f"{one.count:,} images, sure to {100 * one.low:.0f} to {100 * one.high:.0f} %<br>"
        f"on average to {units.percent(one.confidence)}<br>"
        f"<b>{units.percent(one.accuracy)} right</b> (95 % interval {100 * low:.1f} to {100 * high:.1f})"
    )
