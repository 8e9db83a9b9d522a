"""How the search went: the growth of its front, and what failed."""

import plotly.graph_objects as go

from nas.files import Json
from nas.record.growth import growth
from nas.record.run import Run
from nas.report.charts import PALETTE, embed, style
from nas.report.rendering import MAX_ROWS
from nas.report.view import View


def context(view: View) -> Json:
    """Return the chart of the front's growth, and the trials that failed."""
    failed = view.failed
    return {
        "chart": embed(progress_figure(view.run), "progress") if view.front else "",
        "failed": failed[:MAX_ROWS],
        "failures": len(failed),
        "more": max(len(failed) - MAX_ROWS, 0),
    }


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
