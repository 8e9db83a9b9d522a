"""The figure of where a front attends, beside random networks of the same cost."""

import plotly.graph_objects as go

from nas.record.layouts import Layouts
from nas.report.charts import INK, PALETTE, style


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
