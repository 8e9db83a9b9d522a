"""What the networks of the front have in common: the blocks of each stage, and where they attend."""

from collections.abc import Sequence
from html import escape

import plotly.graph_objects as go

from nas.files import Json, quoted
from nas.record.layouts import Layouts, kept
from nas.record.results import Result
from nas.report.charts import INK, PALETTE, embed, style
from nas.report.view import View


def context(view: View) -> Json | None:
    """Return the charts of the blocks by stage and, once `nas layout` has compared them, of the layouts."""
    if not view.front:
        return None
    found = kept(view.run)
    layout = {"said": found.sentences(), "layout_chart": embed(layout_figure(found), "layout")} if found else {}
    return {
        "chart": embed(composition_figure(view), "composition"),
        "layouts": found,
        "front_size": len(view.front),
        "target": quoted(view.run.folder),
        **layout,
    }


def composition_figure(view: View) -> go.Figure:
    """Share of each block by stage: on the front (wide bars) beside all trained networks (narrow, pale ones)."""
    figure, front, run = go.Figure(), view.front, view.run
    used = {block: colour for block, colour in view.colours.items() if any(block_shares(run.results, block))}
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
            mode="markers", marker={"symbol": "line-ew", "size": 46, "line": {"width": 3, "color": INK}},
            hovertemplate="%{y:.0%} of random networks of the same cost<extra></extra>",
        )
    )  # fmt: skip
    figure.update_yaxes(title="networks that attend", tickformat=".0%", range=[0, 1.04])
    return style(figure, height=380)
