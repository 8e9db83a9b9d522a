"""Trials as lines across parallel axes, one for each decision and each objective, of which a reader brushes ranges."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from nas.evaluation import units
from nas.files import Json
from nas.network.options import Scalar
from nas.record.chosen import chosen
from nas.record.results import Result
from nas.report.charts import literal, style
from nas.report.choices import choice_label, choice_words, value_words
from nas.report.view import View

LINES = 1000
"""Lines that are drawn at most."""
SPREAD = 0.18  # of the distance between two values: lines of one value lie side by side
SNAP = 0.25  # as far as plotly takes a brush around a value
LETTER = 7  # pixels, at most as a rule
POOR, GOOD = "#97a0af", "#D55E00"  # seen on white and on black


def lines(view: View) -> list[Result]:
    """Choose the results that are drawn: all, or the front and a random part of the others."""
    results, front = view.run.results, {result.number for result in view.front}
    others = [result for result in results if result.number not in front]
    room = max(LINES - len(front), 0)
    drawn = front | {others[i].number for i in np.random.default_rng(0).permutation(len(others))[:room]}
    return [result for result in results if result.number in drawn]


def parallel_figure(view: View, drawn: Sequence[Result], decisions: Sequence[str]) -> go.Figure:
    """Draw results as lines across decisions and objectives, upwards better, coloured by the first objective."""
    rng = np.random.default_rng(0)
    axes = [_decision_axis(drawn, name, rng) for name in decisions]
    objectives = [
        _objective_axis(view, drawn, name, more)
        for name, more in zip(view.run.config.objectives, view.run.maximize, strict=True)
    ]
    scale = [[0, POOR], [1, GOOD]] if view.run.maximize[0] else [[0, GOOD], [1, POOR]]
    lines = {"color": _ranks(objectives[0]["values"]), "colorscale": scale}
    small = {"size": 12}
    left = 24 + LETTER * max(map(len, axes[0]["ticktext"]))
    figure = go.Figure(
        go.Parcoords(dimensions=[*axes, *objectives], line=lines, labelfont=small, tickfont=small, rangefont=small)
    )
    return style(figure, height=440).update_layout(margin={"l": max(72, left), "r": 56, "t": 88, "b": 36})


def least_width(view: View, drawn: Sequence[Result], decisions: Sequence[str]) -> int:
    """The pixels that the lines need: room for an axis' longest value beside the next axis."""
    longest = max((len(value_words(value)) for name in decisions for value in offered(drawn, name)), default=0)
    return (len(decisions) + len(view.run.config.objectives)) * max(104, 16 + LETTER * longest)


def offered(drawn: Sequence[Result], name: str) -> list[Scalar | None]:
    """List the values of a decision in order, and None at the end if some results have none."""
    seen = dict.fromkeys(_chosen(result, name) for result in drawn)
    values = [value for value in seen if value is not None]
    words = any(isinstance(value, str) for value in values)
    return [*sorted(values, key=str if words else None), *([None] if None in seen else [])]


def selections(drawn: Sequence[Result], decisions: Sequence[str]) -> list[Json]:
    """List for each decision what the keyboard may choose: its values, each with its range on the axis."""
    return [
        {
            "words": choice_words(name),
            "label": choice_label(name),
            "values": [
                {"words": value_words(value), "range": [i - SNAP, i + SNAP]}
                for i, value in enumerate(offered(drawn, name))
            ],
        }
        for name in decisions
    ]


def _decision_axis(drawn: Sequence[Result], name: str, rng: np.random.Generator) -> Json:
    values = offered(drawn, name)
    places = np.array([values.index(_chosen(result, name)) for result in drawn], float)
    return {
        "label": choice_label(name),
        "values": [round(place, 2) for place in (places + rng.uniform(-SPREAD, SPREAD, len(places))).tolist()],
        "tickvals": list(range(len(values))),
        "ticktext": [value_words(value) for value in values],
        "range": [-2 * SNAP, len(values) - 1 + 2 * SNAP],
    }


def _chosen(result: Result, name: str) -> Scalar | None:
    return chosen(result.trial, (name,)).get(name)


def _ranks(values: Sequence[float]) -> list[int]:
    """Number values by size, so that colours spread evenly however values crowd."""
    places = {value: place for place, value in enumerate(sorted(set(values)))}
    return [places[value] for value in values]


def _objective_axis(view: View, drawn: Sequence[Result], name: str, more: bool) -> Json:
    unit = view.unit(name, drawn)
    values = [float(unit.show(result.metrics[name]).replace(",", "")) for result in drawn]
    ends = [min(values), max(values)]
    return {"label": _heading(view, drawn, name), "values": values, "range": ends if more else ends[::-1]}


def objective_axes(view: View, drawn: Sequence[Result]) -> list[Json]:
    """List what a sentence about lines needs of each objective: axis, words, unit, and whether more is better."""
    return [
        {
            "label": _heading(view, drawn, name),
            "words": units.words(name),
            "unit": view.unit(name, drawn).name,
            "more": more,
        }
        for name, more in zip(view.run.config.objectives, view.run.maximize, strict=True)
    ]


def _heading(view: View, drawn: Sequence[Result], name: str) -> str:
    return literal(units.heading(name, view.unit(name, drawn).name))
