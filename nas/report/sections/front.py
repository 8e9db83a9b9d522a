"""The front: every result on the plane of the first two objectives."""

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
import plotly.graph_objects as go

from nas.evaluation import units
from nas.files import Json
from nas.record.results import Result
from nas.report.charts import INK, PALETTE, QUIET, Attributes, embed, style
from nas.report.view import View, main_block

SVG_POINTS = 2000  # beyond it a browser draws more smoothly through WebGL
WIDE = 15.0  # ratio of largest to smallest value from which an axis is logarithmic


def context(view: View) -> Json | None:
    """Return the chart, once a network has been trained to the end."""
    return {"chart": embed(front_figure(view), "front")} if view.front else None


def front_figure(view: View) -> go.Figure:
    """Every complete result, the first objective against the second, with the front joined and the pick a star.

    Colour is the block that a network has most of, or the third objective where there is one.
    """
    run = view.run
    front, found = view.front, run.results
    figure = go.Figure()
    if front:
        picked = run.pick()
        numbers = {t.number for t in front}
        draw = _Plane(view)
        figure.add_traces(draw.dots([t for t in found if t.number not in numbers]))
        if len(run.config.objectives) == 2:
            figure.add_trace(draw.steps(front))
        figure.add_trace(draw.best([t for t in front if t.number != picked.number]))
        figure.add_trace(draw.picked(picked))
        draw.axes(figure)
    return style(figure, height=560)


class _Plane:
    """The plane of the first two objectives, in the units of its axes."""

    def __init__(self, view: View) -> None:
        self.run, self.colours = view.run, view.colours
        run = view.run
        self.names = run.config.objectives
        values = run.points(run.results)
        self.units = [units.unit_of(name, values[:, i]) for i, name in enumerate(self.names)]
        self.wide = bool(values[:, 1].min() > 0 and values[:, 1].max() > WIDE * values[:, 1].min())
        many = len(values) > SVG_POINTS
        self.scatter, self.size = (go.Scattergl, 5) if many else (go.Scatter, 8)

    def values(self, results: Sequence[Result], objective: int) -> list[float]:
        """An objective's values in its axis' unit."""
        return [t.metrics[self.names[objective]] * self.units[objective].factor for t in results]

    def trace(self, results: Sequence[Result], marker: Attributes, **options: Any) -> go.Scatter:
        """Markers at the results, each with its architecture in the hover."""
        kind = options.pop("kind", go.Scatter)
        return kind(
            x=self.values(results, 1),
            y=self.values(results, 0),
            mode=options.pop("mode", "markers"),
            marker=marker,
            hovertext=[hover(t, self.names, self.run.trained_objectives) for t in results],
            hoverinfo="text",
            **options,
        )

    def dots(self, results: Sequence[Result]) -> list[go.Scatter]:
        """The dominated results: one trace a block, or one trace coloured by the third objective."""
        if len(self.names) > 2:
            marker = {"size": self.size, "opacity": 0.7} | self.fill(results) | self.hollow(results)
            return [self.trace(results, marker, kind=self.scatter, showlegend=False)]
        seen = {main_block(t) for t in self.run.results}
        return [self.family(results, block) for block in self.colours if block in seen]

    def family(self, results: Sequence[Result], block: str) -> go.Scatter:
        """The results made mostly of one block, in the legend even if all of them are on the front."""
        own = [t for t in results if main_block(t) == block]
        marker = {"size": self.size, "opacity": 0.5, "color": self.colours[block]} | self.hollow(own)
        trace = self.trace(own, marker, name=f"mostly {escape(block)}", kind=self.scatter)
        return trace if own else trace.update(x=[None], y=[None])

    def hollow(self, results: Sequence[Result]) -> Attributes:
        """Rings in place of dots for results below the last rung, whose values are expected ones."""
        last = len(self.run.config.lengths) - 1
        return {"symbol": ["circle" if t.rung == last else "circle-open" for t in results]} if last else {}

    def steps(self, front: Sequence[Result]) -> go.Scatter:
        """The front as steps: the best first objective within each limit on the second."""
        ordered = sorted(front, key=lambda t: t.metrics[self.names[1]])
        shape = "vh" if self.run.maximize[1] else "hv"
        line = {"shape": shape, "color": INK, "width": 1.5}
        return go.Scatter(
            x=self.values(ordered, 1), y=self.values(ordered, 0), mode="lines", line=line,
            name="Pareto front", hoverinfo="skip",
        )  # fmt: skip

    def best(self, front: Sequence[Result]) -> go.Scatter:
        """The results on the front, the pick apart."""
        marker = {"size": 12, "line": {"color": INK, "width": 1.6}} | self.fill(front)
        return self.trace(front, marker, name="on the front", showlegend=False, error_y=self.intervals(front))

    def picked(self, result: Result) -> go.Scatter:
        """The network for which the run stands, as a star."""
        marker = {"size": 21, "symbol": "star", "line": {"color": INK, "width": 1.6}}
        marker |= self.fill([result]) if len(self.names) == 2 else {"color": PALETTE[2]}
        rule = escape(self.run.config.pick)
        text = [f"<b>{rule}</b>  {escape(result.layout)}"]
        return self.trace(
            [result], marker, name=rule, mode="markers+text", text=text, textposition=self._free_side(result),
            textfont={"color": INK, "size": 14}, cliponaxis=False, legendrank=2000, error_y=self.intervals([result]),
        )  # fmt: skip

    def intervals(self, results: Sequence[Result]) -> Attributes:
        """Error bars of the first objective, where results were trained again."""
        widths = [t.intervals.get(self.names[0]) for t in results]
        array = [(width or 0.0) * self.units[0].factor for width in widths]
        return {"type": "data", "array": array, "visible": any(widths), "color": QUIET, "thickness": 1, "width": 3}

    def _free_side(self, result: Result) -> str:
        """The side beyond the front, where no trial can lie, or the inner side near the plot's edge."""
        x, own = self.run.points(self.run.results)[:, 1], result.metrics[self.names[1]]
        if self.wide:
            x, own = np.log(x), np.log(own)
        at = (own - x.min()) / max(float(np.ptp(x)), 1e-12)
        up, right = self.run.maximize[:2]
        if (at > 0.85) if right else (at < 0.15):
            up, right = not up, not right
        return f"{'top' if up else 'bottom'} {'right' if right else 'left'}"

    def fill(self, results: Sequence[Result]) -> Attributes:
        """The colour of emphasised markers."""
        if len(self.names) > 2:
            return {"color": self.values(results, 2), "coloraxis": "coloraxis"}
        return {"color": [self.colours[main_block(t)] for t in results]}

    def axes(self, figure: go.Figure) -> None:
        """Titles with units, and a logarithmic axis for a wide range."""
        titles = [units.heading(n, unit.name) for n, unit in zip(self.names, self.units, strict=True)]
        if self.wide:
            titles[1] += ", logarithmic"
        figure.update_xaxes(title=titles[1], type="log" if self.wide else "linear")
        if self.wide:
            ticks = [step * 10.0**power for power in range(-6, 13) for step in (1, 2, 5)]
            figure.update_xaxes(tickvals=ticks, ticktext=[f"{tick:g}" for tick in ticks])
        figure.update_yaxes(title=titles[0])
        if len(titles) > 2:
            figure.update_layout(coloraxis={"colorscale": "Cividis", "colorbar": {"title": titles[2], "thickness": 14}})


def hover(result: Result, objectives: Sequence[str], trained: Sequence[str]) -> str:
    """A result's architecture and values as the text of a hover box."""
    network = result.architecture
    lines = [f"<b>{escape(result.layout)}</b>   trial {result.number}"]
    lines.append(f"stem   {escape(network.stem.kind)} @ {network.stem.width}")
    for i, s in enumerate(network.stages):
        lines.append(f"stage {i}   {escape(s.block)} × {s.depth} @ {s.width}")
    lines.append("")
    for name in dict.fromkeys((*objectives, *result.metrics)):
        spread = result.trial.outcome.readings.get(name, {}).get("iqr")
        quartiles = f"   interquartile range {units.show(name, spread)}" if spread is not None else ""
        value = units.show_between(name, result.metrics[name], result.intervals.get(name))
        lines.append(f"{units.title(name)}   <b>{value}</b>{quartiles}")
    first = ", ".join(units.show(name, result.first[name]) for name in trained)
    if result.trainings:
        lines.append(f"trained again {result.trainings} times, at first {first}")
    elif any(result.metrics[name] != result.first[name] for name in trained):
        lines.append(f"expected on the last rung; so far it has {first}")
    return "<br>".join(lines)
