"""Planes: every trial by two objectives, with the front, the pick, the limits and the designs that a search began with.

Each trial that has both values is one marker, and carries its number. A page's script knows the rest of it.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import plotly.graph_objects as go

from nas.evaluation import units
from nas.record.results import Result
from nas.report.axes import Axis
from nas.report.charts import Attributes, literal, style
from nas.report.view import View, main_block

LINE = "#7b8496"  # stands out on white and on black
NARROWEST = 270  # pixels across a plane
RUG = 0.025
"""Where marks of trials without the other value lie, as a share of the plane."""


def planes(view: View) -> list["Plane"]:
    """A plane for each pair of objectives, the earlier one upwards."""
    return [Plane(view, across, up) for up, across in combinations(view.run.config.objectives, 2)]


class Plane:
    """The plane of two objectives."""

    def __init__(self, view: View, across: str, up: str) -> None:
        self.view, self.run = view, view.run
        self.x, self.y = Axis(view, across), Axis(view, up)

    def figure(self) -> go.Figure:
        """Every trial as a marker, the front joined where there are two objectives, the pick a star."""
        numbers = {result.number for result in self.view.front}
        figure = go.Figure(self.dots([result for result in self.run.results if result.number not in numbers]))
        if len(self.run.config.objectives) == 2:
            figure.add_trace(self.steps())
        figure.add_traces([*self.rugs(), *self.again()])
        figure.add_traces([self.best(), self.picked(), *self.designs()])
        limits = self.limits()
        figure.update_layout(xaxis=self.x.layout, yaxis=self.y.layout)
        figure.update_layout(shapes=[line for line, _ in limits], annotations=[label for _, label in limits])
        for axis in ("xaxis2", "yaxis2"):
            figure.layout[axis] = {"overlaying": axis[0], "range": [0, 1], "visible": False, "fixedrange": True}
        return style(figure, height=460)

    def trace(self, part: str, results: Sequence[Result], marker: Attributes, **options: Any) -> go.Scatter:
        """Markers of results; `part` tells the page's script what they are."""
        return go.Scatter(
            x=[self.x.shown(t.metrics[self.x.name]) for t in results],
            y=[self.y.shown(t.metrics[self.y.name]) for t in results],
            customdata=[t.number for t in results],
            mode=options.pop("mode", "markers"),
            marker=marker,
            meta={"part": part},
            **options,
        )

    def dots(self, results: Sequence[Result]) -> list[go.Scatter]:
        """The dominated results, a trace a block; those below the last rung, whose values are expected, as rings."""
        last = len(self.run.config.lengths) - 1
        groups: dict[tuple[str, bool], list[Result]] = {}
        for result in results:
            groups.setdefault((main_block(result), result.rung < last), []).append(result)
        seen = {main_block(result) for result in self.run.results}
        found = []
        for block, colour in self.view.colours.items():
            full, below = groups.get((block, False), []), groups.get((block, True), [])
            marker = {"size": 8, "opacity": 0.5, "color": colour}
            names: Attributes = {"name": f"mostly {literal(block)}", "legendgroup": block}
            if full or (block in seen and not below):
                found.append(self.trace("dots", full, marker, **names))
            if below:
                ring = marker | {"symbol": "circle-open"}
                found.append(self.trace("below", below, ring, showlegend=not full, **names))
        return found

    def steps(self) -> go.Scatter:
        """The front as steps: the best first objective within each limit on the second."""
        ordered = sorted(self.view.front, key=lambda result: result.metrics[self.x.name])
        line = {"shape": "vh" if self.x.more else "hv", "color": LINE, "width": 1.5}
        trace = self.trace("steps", ordered, {}, mode="lines", line=line, name="Pareto front", hoverinfo="skip")
        return trace.update(customdata=None)

    def best(self) -> go.Scatter:
        """The results on the front, the pick apart."""
        front = [result for result in self.view.front if result.number != self.view.picked.result.number]
        marker = {"size": 12, "line": {"width": 1.6}, "color": [self.view.colours[main_block(t)] for t in front]}
        bars = {"error_x": self.x.doubts(front), "error_y": self.y.doubts(front)}
        return self.trace("front", front, marker, name="on the front", showlegend=False, **bars)

    def picked(self) -> go.Scatter:
        """The network for which the run stands, as a star."""
        result, rule = self.view.picked.result, literal(self.run.config.pick)
        marker = {"size": 21, "symbol": "star", "line": {"width": 1.6}, "color": self.view.colours[main_block(result)]}
        return self.trace(
            "pick", [result], marker, name=rule, mode="markers+text", text=[f"<b>{rule}</b>"], cliponaxis=False,
            textposition=self._free_side(result), error_x=self.x.doubts([result]), error_y=self.y.doubts([result]),
        )  # fmt: skip

    def _free_side(self, result: Result) -> str:
        """The side beyond the front, where no trial can lie, and not beyond the plot's edge."""
        limits = (self.run.config.maximum, self.run.config.minimum)  # their lines make the axis longer
        x = [self.x.place(t.metrics[self.x.name]) for t in self.run.results]
        x += [self.x.place(own[self.x.name]) for own in limits if self.x.name in own]
        at = (self.x.place(result.metrics[self.x.name]) - min(x)) / max(max(x) - min(x), 1e-12)
        room = NARROWEST * (1 - at if self.x.more else at) + 14
        side = "center" if room < 9 * len(self.run.config.pick) + 14 else "right" if self.x.more else "left"
        return f"{'top' if self.y.more else 'bottom'} {side}"

    def again(self) -> list[go.Scatter]:
        """What was measured again when the search had ended, joined to what it counted as."""
        rows: list[tuple[float | None, ...]] = []
        for result in self.view.front:
            if any(result.key in self.view.again.get(axis.name, {}) for axis in (self.x, self.y)):
                (x, across), (y, up) = self.x.last(result), self.y.last(result)
                then = self.x.shown(result.metrics[self.x.name]), self.y.shown(result.metrics[self.y.name])
                rows += [(*then, 0, 0, 0), (x, y, across, up, 9), (None, None, 0, 0, 0)]
        if not rows:
            return []
        columns = list(zip(*rows, strict=True))
        bars = [{"type": "data", "array": widths, "visible": any(widths), "thickness": 1, "width": 3}
                for widths in columns[2:4]]  # fmt: skip
        return [go.Scatter(
            x=columns[0], y=columns[1], mode="lines+markers", line={"color": LINE, "width": 1.5, "dash": "dot"},
            marker={"symbol": "line-ns", "size": columns[4], "line": {"width": 1.5}}, name="measured again",
            error_x=bars[0], error_y=bars[1], meta={"part": "again"}, hoverinfo="skip",
        )]  # fmt: skip

    def designs(self) -> list[go.Scatter]:
        """The designs that the search began with, by name, where they were measured."""
        known = [result for result in self.run.results if result.key in self.view.designs]
        if not known:
            return []
        marker = {"size": 16, "symbol": "diamond-open", "line": {"width": 1.6}, "color": LINE}
        middle = sum(self.x.region()) / 2
        inward = ["left" if self.x.place(result.metrics[self.x.name]) > middle else "right" for result in known]
        sides = [f"{('top', 'bottom')[i % 2]} {side}" for i, side in enumerate(inward)]
        names = {"text": [literal(self.view.designs[result.key]) for result in known], "textposition": sides}
        return [self.trace("designs", known, marker, mode="markers+text", showlegend=False, cliponaxis=False, **names)]

    def rugs(self) -> list[go.Scatter]:
        """The failed and the rejected at what is known of them: on the plane, or at the side of the value they have."""
        marks = {"failed": ("x-thin", LINE, self.view.failed), "rejected": ("line-ns", LINE, self.view.rejected)}
        found = []
        for part, (symbol, colour, trials) in marks.items():
            for across, up in ((True, True), (True, False), (False, True)):
                known = [t for t in trials if (self.x.name in t.metrics, self.y.name in t.metrics) == (across, up)]
                x = [self.x.shown(t.metrics[self.x.name]) if across else RUG for t in known]
                y = [self.y.shown(t.metrics[self.y.name]) if up else RUG for t in known]
                turned = symbol.replace("ns", "ew") if not across else symbol
                marker = {"size": 9, "symbol": turned, "line": {"width": 1.5, "color": colour}}
                if known:
                    found.append(go.Scatter(
                        x=x, y=y, customdata=[t.number for t in known], mode="markers", marker=marker, visible=False,
                        meta={"part": part}, name=part, xaxis="x" if across else "x2", yaxis="y" if up else "y2",
                    ))  # fmt: skip
        return found

    def limits(self) -> list[tuple[Attributes, Attributes]]:
        """The limits of the search, each as a line with its label."""
        found = []
        for axis, own, other in ((self.x, "x", "y"), (self.y, "y", "x")):
            for sign, limits in (("≤", self.run.config.maximum), ("≥", self.run.config.minimum)):
                if axis.name in limits:
                    value = limits[axis.name]
                    across = {f"{other}ref": "paper", f"{other}0": 0, f"{other}1": 1}
                    line = {f"{own}0": axis.shown(value), f"{own}1": axis.shown(value), **across}
                    text = f"limit {sign} {literal(units.show(axis.name, value))}"
                    label = {own: axis.place(value), f"{other}ref": "paper", "showarrow": False, "text": text}
                    found.append(({"type": "line", "line": {"width": 1.5, "dash": "dash"}, **line},
                                  label | self._beside(own)))  # fmt: skip
        return found

    def _beside(self, own: str) -> Attributes:
        """Where the label of a line across an axis stands: where the front is not."""
        if own == "y":
            return {"x": 1, "xanchor": "right", "yanchor": "bottom"}
        return {"textangle": -90, "xanchor": "right", "y": 0 if self.y.more else 1,
                "yanchor": "bottom" if self.y.more else "top"}  # fmt: skip
