"""The page of a calibration: how well each rung ranks networks, by its cost."""

from itertools import cycle
from pathlib import Path

import plotly.graph_objects as go
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from nas import files
from nas.evaluation import units
from nas.record.analysis.reliability import Reliability
from nas.record.folders import CALIBRATION
from nas.record.opening import Named, open_run
from nas.record.run import Run
from nas.report.charts import PALETTE, THEMES, embed, style
from nas.report.rendering import check_found, flat, machines, render_page

BROKEN = tuple((PALETTE[colour], dash) for colour, dash in ((4, "dot"), (3, "dash"), (1, "dashdot"), (5, "longdash")))


def write_calibration(run: Named, found: Reliability) -> Path:
    """Write the page into the folder of a run, or of that of this name or path, and return the page's path.

    Raises SettingError where there is no such run or `found` is none of a calibration's, and when the page cannot be
    written, RunError for a full disk.
    """
    run = open_run(run)
    check_found(found, Reliability, "reliability")
    page = run.folder / CALIBRATION
    context = {
        "run": run,
        "found": found,
        "going_on": found.going_on(run),
        "applied": found.applied(run),
        "searching": found.searching(run),
        "took": units.duration(run.elapsed),
        "plotlyjs": Markup(get_plotlyjs()),
        "themes": THEMES,
        "cost_chart": embed(cost_figure(found), "cost"),
        "rank_chart": embed(rank_figure(run, found), "ranks"),
        "settings": flat(run.config.model_dump(mode="json")),
        "environment": machines(run.environment),
    }
    with files.writing(page):
        files.write(page, render_page("calibration.html", context))
    return page


def cost_figure(found: Reliability) -> go.Figure:
    """Draw tau by the cost of a rung, over all networks and among the best where these are enough to tell.

    Broken lines are what costs no training.
    """
    figure, lowest = go.Figure(), min((0.0, *(ranking.every.tau for ranking in found.others)))
    best = [rung.best for rung in found.rungs if rung.best]
    lines = (("all networks", [rung.every for rung in found.rungs]), (f"the best {found.best}", best))
    for i, (title, agreements) in enumerate(lines if found.tells_best else lines[:1]):
        lowest = min(lowest, *(one.low for one in agreements), *(one.tau for one in agreements))
        figure.add_trace(
            go.Scatter(
                x=[ranking.share * (1 + i / 40) for ranking in found.rungs],  # so that no bar hides another
                y=[one.tau for one in agreements], name=title,
                mode="lines+markers", line={"color": PALETTE[2 * i], "width": 2.2}, marker={"size": 9},
                error_y={"type": "data", "symmetric": False, "thickness": 1.2,
                         "array": [one.high - one.tau for one in agreements],
                         "arrayminus": [one.tau - one.low for one in agreements]},
                text=[ranking.name for ranking in found.rungs], hovertemplate="%{text}: tau %{y:.2f}",
            )
        )  # fmt: skip
    for ranking, (colour, dash) in zip(found.others, cycle(BROKEN)):
        figure.add_hline(y=ranking.every.tau, line={"color": colour, "dash": dash, "width": 1.6},
                         name=ranking.name, showlegend=True)  # fmt: skip
    figure.update_xaxes(title="Cost, as a part of the training in full", type="log",
                        tickvals=[ranking.share for ranking in found.rungs],
                        ticktext=[ranking.cost for ranking in found.rungs])  # fmt: skip
    figure.update_yaxes(title="Kendall's tau with the training in full", range=[lowest - 0.05, 1.05])
    return style(figure, height=440).update_layout(showlegend=True)


def rank_figure(run: Run, found: Reliability) -> go.Figure:
    """Draw every network's value on the first rung against its value in full."""
    name = found.objective
    chosen = [result for result in run.results if result.repeats]
    unit = units.unit_of(name, [result.metrics[name] for result in chosen])
    figure = go.Figure(
        go.Scatter(
            x=[result.trial.metrics[name] * unit.factor for result in chosen],
            y=[result.metrics[name] * unit.factor for result in chosen],
            mode="markers", marker={"size": 9, "color": PALETTE[0], "opacity": 0.8},
            hovertext=[f"trial {result.number}, {result.layout}" for result in chosen], hoverinfo="text+x+y",
        )
    )  # fmt: skip
    heading = units.heading(name, unit.name)
    figure.update_xaxes(title=f"{heading} after {found.rungs[0].name}")
    figure.update_yaxes(title=f"{heading} in full, from another seed")
    return style(figure, height=440)
