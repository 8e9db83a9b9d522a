"""Plotly figures of a finished search: the front, its growth, and the blocks it is made of.

A block keeps one colour in every figure.
"""

from collections import Counter
from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
import plotly.graph_objects as go

from nas import document
from nas.evaluation import units
from nas.record.growth import growth
from nas.record.results import Result
from nas.record.run import Run
from nas.report.charts import INK, PALETTE, QUIET, Attributes, style
from nas.space.schema import fields

SVG_POINTS = 2000  # beyond it a browser draws more smoothly through WebGL
WIDE = 15.0  # ratio of largest to smallest value from which an axis is logarithmic


def colours(run: Run) -> dict[str, str]:
    """A colour for every block the search may use, in the order of the space's file."""
    stages = fields(document.read(run.folder / "space.yaml")).stages
    blocks = dict.fromkeys(block for stage in stages for block in stage.block)
    return {block: PALETTE[i % len(PALETTE)] for i, block in enumerate(blocks)}


def letters(run: Run) -> dict[str, str]:
    """The letter by which layouts abbreviate each block, read off the trials: `{"conv": "C", "moat": "A"}`."""
    pairs: dict[str, str] = {}
    for trial in run.trials:
        blocks = (stage.block for stage in trial.architecture.stages)
        pairs |= zip(blocks, trial.layout.split("-"), strict=True)
    return {block: pairs[block] for block in colours(run) if block in pairs}


def main_block(result: Result) -> str:
    """The block that a network has most of, the later stage's where two are even."""
    count: Counter[str] = Counter()
    for stage in reversed(result.architecture.stages):
        count[stage.block] += stage.depth
    return count.most_common(1)[0][0]


def front_figure(run: Run) -> go.Figure:
    """Every complete result, the first objective against the second, with the front joined and the pick a star.

    Colour is the block that a network has most of, or the third objective where there is one.
    """
    front, found = run.front(), run.results
    figure = go.Figure()
    if front:
        picked = run.pick()
        numbers = {t.number for t in front}
        draw = _Plane(run)
        figure.add_traces(draw.dots([t for t in found if t.number not in numbers]))
        if len(run.config.objectives) == 2:
            figure.add_trace(draw.steps(front))
        figure.add_trace(draw.best([t for t in front if t.number != picked.number]))
        figure.add_trace(draw.picked(picked))
        draw.axes(figure)
    return style(figure, height=560)


class _Plane:
    """The plane of the first two objectives, in the units of its axes."""

    def __init__(self, run: Run) -> None:
        self.run, self.colours = run, colours(run)
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


def progress_figure(run: Run) -> go.Figure:
    """Hypervolume of the front against the number of trained architectures."""
    grown = growth(run)
    percents = [100 * share for share in grown.shares]
    line = {"shape": "hv", "color": PALETTE[0], "width": 2.5}
    text = "%{y:.1f} % after %{x} architectures<extra></extra>"
    figure = go.Figure(go.Scatter(x=grown.trainings, y=percents, mode="lines", line=line, hovertemplate=text))
    figure.update_xaxes(title="Trained architectures", rangemode="tozero", dtick=1 if len(run.spent) <= 10 else None)
    figure.update_yaxes(title="Hypervolume (%)", rangemode="tozero")
    return style(figure, height=320).update_layout(margin_t=36)


def composition_figure(run: Run) -> go.Figure:
    """Share of each block by stage: on the front (wide bars) beside all trained networks (narrow, pale ones)."""
    figure, front = go.Figure(), run.front()
    used = {block: colour for block, colour in colours(run).items() if any(block_shares(run.results, block))}
    for block, colour in used.items():
        figure.add_trace(_shares(front, block, "on the front", -0.14, 0.56).update(marker_color=colour))
        pale = {"color": colour, "opacity": 0.4}
        figure.add_trace(
            _shares(run.results, block, "trained", 0.28, 0.22).update(marker=pale, text=None, showlegend=False)
        )
    stages = len(block_shares(run.results, ""))
    style(figure, height=400).update_layout(barmode="stack")
    names = [f"stage {i}" for i in range(stages)]
    figure.update_xaxes(tickvals=list(range(1, stages + 1)), ticktext=names, range=[0.5, stages + 0.5], ticks="")
    return figure.update_xaxes(showgrid=False).update_yaxes(
        title="Share of networks (%)", range=[0, 100], showgrid=False
    )


def _shares(results: Sequence[Result], block: str, words: str, offset: float, width: float) -> go.Bar:
    shares = block_shares(results, block)
    return go.Bar(
        x=[i + 1 + offset for i in range(len(shares))],
        y=shares,
        width=width,
        name=escape(block),
        legendgroup=block,
        text=[f"{share:.0f} %" if share >= 9 else "" for share in shares],
        textposition="inside",
        insidetextanchor="middle",
        textangle=0,
        constraintext="none",
        hovertemplate=f"<b>{escape(block)}</b>: %{{y:.0f}} % of {len(results)} {words}<extra></extra>",
    )


def block_shares(results: Sequence[Result], block: str) -> list[float]:
    """For each stage, the share of networks whose stage is made of `block`, in %."""
    stages = zip(*(result.architecture.stages for result in results), strict=False)
    return [100 * sum(s.block == block for s in stage) / len(stage) for stage in stages]
