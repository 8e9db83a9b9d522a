"""The figure of what blocks are worth, stage by stage: a point for each, with its interval."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from nas.evaluation import units
from nas.record.analysis.layouts import Worth
from nas.report.charts import QUIET, literal, style


def worth_figure(worths: Sequence[Worth], objective: str, colours: Mapping[str, str]) -> go.Figure:
    """Draw what each block is worth at each stage above the mean of the stage's blocks."""
    unit = units.unit_of(objective, [one.value for one in worths])
    places = {(one.stage, one.block): i + one.stage for i, one in enumerate(worths)}  # a gap between stages
    figure = go.Figure()
    for block, colour in colours.items():
        own = [one for one in worths if one.block == block]
        if own:
            figure.add_trace(_points(own, [places[one.stage, block] for one in own], colour, unit.factor))
    middles: dict[str, list[int]] = {}
    for (stage, _), place in places.items():
        middles.setdefault(f"stage {stage}", []).append(place)
    figure.update_xaxes(
        tickvals=[sum(group) / len(group) for group in middles.values()], ticktext=list(middles), ticks="",
        showgrid=False, zeroline=False, range=[-1, max(places.values()) + 1],
    )  # fmt: skip
    in_words = f"{units.title(objective)} ({'points' if unit.name == '%' else unit.name})".removesuffix(" ()")
    figure.update_yaxes(title=f"{in_words} above<br>the stage's mean", zeroline=True, zerolinecolor=QUIET)
    return style(figure, height=420)


def _points(own: Sequence[Worth], places: Sequence[int], colour: str, factor: float) -> go.Scatter:
    return go.Scatter(
        x=list(places),
        y=[one.value * factor for one in own],
        mode="markers",
        name=literal(own[0].block),
        marker={"color": colour, "size": 11},
        error_y={"type": "data", "array": [one.half * factor for one in own], "thickness": 1.5, "color": colour},
        customdata=[f"{one.show(factor)}, {one.networks} networks" for one in own],
        hovertemplate=f"{literal(own[0].block)}: %{{customdata}}<extra></extra>",
    )
