"""The figures of shares by stage: bars of a front's networks with intervals, dashes of random networks beside them."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import plotly.graph_objects as go

from nas.record.analysis.layouts import Layouts
from nas.record.analysis.traits import BlockShare, Traits
from nas.report.charts import PALETTE, Attributes, literal, mark_stages, style

BLOCKS = 6  # of a stage that are drawn


def drawn(compared: Traits) -> list[BlockShare]:
    """Choose the blocks that are drawn: all of a stage with few, else the most frequent ones of the front."""
    chosen: list[BlockShare] = []
    for _, group in groupby(compared.blocks, key=lambda one: one.stage):
        blocks = list(group)
        found = sorted((one for one in blocks if one.count), key=lambda one: -one.count)[:BLOCKS]
        chosen += [one for one in blocks if len(blocks) <= BLOCKS or one in found]
    return chosen


def composition_figure(compared: Traits, colours: Mapping[str, str]) -> go.Figure:
    """Draw a bar for each block and stage, its share of the front with its interval, and a line for random members."""
    shown = drawn(compared)
    figure = go.Figure()
    places = mark_stages(figure, [(one.stage, one.block) for one in shown])
    for block, colour in colours.items():
        own = [one for one in shown if one.block == block]
        if own:
            figure.add_trace(_bars(own, [places[one.stage, block] for one in own], colour, compared))
    random = [one.random for one in shown]
    figure.add_trace(_dashes(list(places.values()), random, "random members", "random members of the space", 10))
    figure.update_yaxes(title="Share of networks", tickformat=".0%", range=[0, 1.04])
    return style(figure, height=420)


def _bars(own: Sequence[BlockShare], places: Sequence[int], colour: str, compared: Traits) -> go.Bar:
    return go.Bar(
        x=list(places),
        y=[one.share for one in own],
        width=0.8,
        name=literal(own[0].block),
        marker_color=colour,
        error_y=_whiskers([one.share for one in own], [one.interval for one in own]) | {"width": 3},
        customdata=[f"{one.count} of {compared.networks}" for one in own],
        hovertemplate=f"{literal(own[0].block)} on %{{customdata}} of the front<extra></extra>",
    )


def layout_figure(found: Layouts) -> go.Figure:
    """Draw each stage's share of attention on the front, with its interval, and a line for random networks."""
    stages = [f"stage {share.stage}" for share in found.stages]
    fronts = [share.front for share in found.stages]
    figure = go.Figure()
    figure.add_trace(
        go.Bar(
            x=stages, y=fronts, name="on the front", marker={"color": PALETTE[2]},
            error_y=_whiskers(fronts, [share.interval for share in found.stages]),
            customdata=[f"{found.networks - found.left_out.get(share.stage, 0)}" for share in found.stages],
            hovertemplate="%{y:.0%} of the %{customdata} networks with %{x} attend there<extra></extra>",
        )
    )  # fmt: skip
    random = [share.random for share in found.stages]
    named = "random networks of the same cost"
    figure.add_trace(_dashes(stages, random, named, named, 36))
    figure.update_yaxes(title="networks that attend", tickformat=".0%", range=[0, 1.04])
    return style(figure, height=380)


def _whiskers(shares: Sequence[float], intervals: Sequence[tuple[float, float]]) -> Attributes:
    """Error bars from the low to the high end of each share's interval."""
    above = [high - share for share, (_, high) in zip(shares, intervals, strict=True)]
    below = [share - low for share, (low, _) in zip(shares, intervals, strict=True)]
    return {"type": "data", "symmetric": False, "array": above, "arrayminus": below, "thickness": 1.2}


def _dashes(x: Sequence[Any], shares: Sequence[float], of: str, name: str, size: int) -> go.Scatter:
    """A dash at the share of random networks, so many pixels wide."""
    marker = {"symbol": "line-ew", "size": size, "line_width": 3}
    text = f"%{{y:.0%}} of {of}<extra></extra>"
    return go.Scatter(x=x, y=shares, name=name, mode="markers", marker=marker, hovertemplate=text)
