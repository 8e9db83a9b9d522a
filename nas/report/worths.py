"""The figure of what blocks are worth, stage by stage: a point for each, with its interval."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from nas.evaluation import units
from nas.record.analysis.layouts import Worth
from nas.report.charts import QUIET, literal, mark_stages, style


def worth_figure(worths: Sequence[Worth], colours: Mapping[str, str]) -> go.Figure:
    """Draw what each block is worth at each stage above the mean of the stage's blocks."""
    name = worths[0].objective
    unit = units.unit_of(name, [one.value for one in worths])
    figure = go.Figure()
    places = mark_stages(figure, [(one.stage, one.block) for one in worths])
    for block, colour in colours.items():
        own = [one for one in worths if one.block == block]
        if own:
            figure.add_trace(_points(own, [places[one.stage, block] for one in own], colour, unit))
    title = f"{units.heading(name, unit.difference)} above<br>the stage's mean"
    figure.update_yaxes(title=title, zeroline=True, zerolinecolor=QUIET)
    return style(figure, height=420)


def _points(own: Sequence[Worth], places: Sequence[int], colour: str, unit: units.Unit) -> go.Scatter:
    return go.Scatter(
        x=list(places),
        y=[one.value * unit.factor for one in own],
        mode="markers",
        name=literal(own[0].block),
        marker={"color": colour, "size": 11},
        error_y={"type": "data", "array": [one.half * unit.factor for one in own], "thickness": 1.5, "color": colour},
        customdata=[f"{one.show(unit)}, {one.networks} networks" for one in own],
        hovertemplate=f"{literal(own[0].block)}: %{{customdata}}<extra></extra>",
    )
