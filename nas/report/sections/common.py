"""What the networks of the front have in common: blocks and sizes by stage, their layouts, and where they attend."""

from collections.abc import Sequence
from itertools import groupby

import plotly.graph_objects as go

from nas.evaluation import units
from nas.files import Json, quoted
from nas.record.layouts import Layouts, kept
from nas.record.members import counted, members
from nas.record.results import Result
from nas.record.traits import BlockShare, Traits, traits
from nas.report.charts import PALETTE, embed, literal, style
from nas.report.view import View

LAYOUTS = 12
"""Layouts that are listed."""
BLOCKS = 6  # of a stage that are drawn


def context(view: View) -> Json | None:
    """Return the front beside random members, its layouts ranked and, once `nas layout` compared them, their trend."""
    if not view.front:
        return None
    found = kept(view.run)
    layout = {"said": found.sentences(), "layout_chart": embed(layout_figure(found), "layout")} if found else {}
    compared = compare(view)
    rows = ranked(view)
    return {
        "traits": compared,
        "chart": embed(composition_figure(view, compared), "composition"),
        "hidden": len(compared.blocks) - len(drawn(compared)),
        "limited": bool(view.run.config.maximum or view.run.config.minimum),
        "ranked": rows[:LAYOUTS],
        "more": max(len(rows) - LAYOUTS, 0),
        "layouts": found,
        "front_size": len(view.front),
        "target": quoted(view.run.folder),
        **layout,
    }


def compare(view: View) -> Traits:
    """Hold the front against random members of the space."""
    return traits(counted([result.architecture for result in view.front]), members(view.run))


def drawn(compared: Traits) -> list[BlockShare]:
    """Choose the blocks that are drawn: all of a stage with few, else the most frequent ones of the front."""
    chosen: list[BlockShare] = []
    for _, group in groupby(compared.blocks, key=lambda one: one.stage):
        blocks = list(group)
        found = sorted((one for one in blocks if one.count), key=lambda one: -one.count)[:BLOCKS]
        chosen += [one for one in blocks if len(blocks) <= BLOCKS or one in found]
    return chosen


def composition_figure(view: View, compared: Traits) -> go.Figure:
    """Draw a bar for each block and stage, its share of the front with its interval, and a line for random members."""
    shown = drawn(compared)
    places = {(one.stage, one.block): i + one.stage for i, one in enumerate(shown)}  # a gap between stages
    figure = go.Figure()
    for block, colour in view.colours.items():
        own = [one for one in shown if one.block == block]
        if own:
            figure.add_trace(_bars(own, [places[one.stage, block] for one in own], colour, compared))
    figure.add_trace(
        go.Scatter(
            x=list(places.values()),
            y=[one.random for one in shown],
            name="random members of the space",
            mode="markers",
            marker={"symbol": "line-ew", "size": 10, "line_width": 3},
            hovertemplate="%{y:.0%} of random members<extra></extra>",
        )
    )
    stages = dict.fromkeys(one.stage for one in shown)
    middles = [[place for (stage, _), place in places.items() if stage == each] for each in stages]
    figure.update_xaxes(
        tickvals=[sum(group) / len(group) for group in middles],
        ticktext=[f"stage {each}" for each in stages],
        ticks="",
        showgrid=False,
        range=[-1, max(places.values()) + 1],
    )
    figure.update_yaxes(title="Share of networks", tickformat=".0%", range=[0, 1.04])
    return style(figure, height=420)


def _bars(own: Sequence[BlockShare], places: Sequence[int], colour: str, compared: Traits) -> go.Bar:
    return go.Bar(
        x=list(places),
        y=[one.share for one in own],
        width=0.8,
        name=literal(own[0].block),
        marker_color=colour,
        error_y={
            "type": "data", "symmetric": False, "thickness": 1.2, "width": 3,
            "array": [one.interval[1] - one.share for one in own],
            "arrayminus": [one.share - one.interval[0] for one in own],
        },
        customdata=[f"{one.count} of {compared.networks}" for one in own],
        hovertemplate=f"{literal(own[0].block)} on %{{customdata}} of the front<extra></extra>",
    )  # fmt: skip


def ranked(view: View) -> list[Json]:
    """Rank the layouts of the front by how many networks have each, with its best value and what it costs."""
    first, *costs = view.run.config.objectives
    more = view.run.maximize[0]
    groups: dict[str, list[Result]] = {}
    for result in view.front:
        groups.setdefault(result.layout, []).append(result)
    rows = [
        {
            "network": group[0].architecture,
            "count": len(group),
            "best": (max if more else min)(result.metrics[first] for result in group),
            "costs": {name: _range(view, name, group) for name in costs},
        }
        for group in groups.values()
    ]
    return sorted(rows, key=lambda row: (-row["count"], -row["best"] if more else row["best"]))


def _range(view: View, name: str, group: Sequence[Result]) -> Json:
    unit = view.unit(name, view.front)
    low, high = (find(result.metrics[name] for result in group) for find in (min, max))
    words = unit.show(low) if unit.show(low) == unit.show(high) else f"{unit.show(low)} to {unit.show(high)}"
    return {"low": low, "words": f"{words} {unit.name}".rstrip(), "heading": units.title(name)}


def layout_figure(found: Layouts) -> go.Figure:
    """Draw each stage's share of attention on the front, with its interval, and a line for random networks."""
    stages = [f"stage {share.stage}" for share in found.stages]
    above = [share.interval[1] - share.front for share in found.stages]
    below = [share.front - share.interval[0] for share in found.stages]
    figure = go.Figure()
    figure.add_trace(
        go.Bar(
            x=stages, y=[share.front for share in found.stages], name="on the front", marker={"color": PALETTE[2]},
            error_y={"type": "data", "array": above, "arrayminus": below, "symmetric": False, "thickness": 1.2},
            hovertemplate="%{y:.0%} of the front attends in %{x}<extra></extra>",
        )
    )  # fmt: skip
    figure.add_trace(
        go.Scatter(
            x=stages, y=[share.random for share in found.stages], name="random networks of the same cost",
            mode="markers", marker={"symbol": "line-ew", "size": 36, "line_width": 3},
            hovertemplate="%{y:.0%} of random networks of the same cost<extra></extra>",
        )
    )  # fmt: skip
    figure.update_yaxes(title="networks that attend", tickformat=".0%", range=[0, 1.04])
    return style(figure, height=380)
