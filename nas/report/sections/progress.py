"""How the search went: the growth of its front, where its time went, and what failed."""

from collections.abc import Sequence

import plotly.graph_objects as go

from nas.evaluation import units
from nas.files import Json
from nas.record.analysis.failures import reasons
from nas.record.analysis.growth import Growth, growth
from nas.record.analysis.timeline import Cause, Stint, joined, spent, stints
from nas.record.analysis.unlearnt import ByChance, by_chance
from nas.record.command import repeating
from nas.record.run import Run
from nas.report.charts import LOGARITHMIC, PALETTE, QUIET, embed, style
from nas.report.rendering import MAX_ROWS
from nas.report.view import View

CAUSES: dict[Cause, tuple[str, str]] = {
    "new": ("new networks", PALETTE[0]),
    "on": ("on, to a higher rung", PALETTE[3]),
    "again": ("again, from other seeds", PALETTE[4]),
    "ended early": ("failed or rejected", PALETTE[2]),
}
STOPS = 1000  # of the growth's curve
MANY, WIDE = 500, 500  # trainings that are all drawn, and gaps that can be seen beside one another
PACED = 300.0  # seconds, below which a search has no pace to speak of
LANE, MOST_HEIGHT = 30, 420  # pixels
BAND = "rgba(127, 127, 127, 0.22)"  # seen on white and on black


def context(view: View) -> Json:
    """Return the charts of the front's growth and of the workers, the sums of the time, and the trials that failed."""
    run, failed = view.run, view.failed
    grown, chance, side_by_side = growth(run, most=STOPS), by_chance(run), stints(run)
    charts = {
        "chart": embed(progress_figure(grown, chance), "progress") if view.front else "",
        "time_chart": embed(time_figure(grown), "time") if view.front and side_by_side else "",
        "timeline": embed(timeline_figure(side_by_side), "timeline") if side_by_side else "",
    }
    return charts | {
        "pace": _pace(run),
        "chance": _against_chance(grown, chance),
        "control": repeating(run, sampler="random") if chance else "",
        "joined": len(side_by_side) > MANY,
        "workers": 1 + max((stint.lane for stint in side_by_side), default=0),
        "spent": [
            {"what": s.what, "time": units.duration(s.seconds), "percent": 100 * s.share}
            for s in spent(run, side_by_side)
        ],
        "reasons": reasons(failed)[:MAX_ROWS],
        "failed": failed[:MAX_ROWS],
        "failures": len(failed),
        "more": max(len(failed) - MAX_ROWS, 0),
    }


def _pace(run: Run) -> Json | None:
    """How many trainings there were, and how many in an hour where the search took so long that this means anything."""
    trainings = len(run.spent) + len(run.further)
    if not trainings or not run.elapsed:
        return None
    return {
        "further": len(run.further),
        "hour": f"{3600 * trainings / run.elapsed:,.0f}" if run.elapsed >= PACED else "",
        "took": units.duration(run.elapsed),
    }


def _against_chance(grown: Growth, chance: ByChance | None) -> Json | None:
    """What so few trainings by chance dominate, and what the search ended with."""
    if chance is None:
        return None
    return {
        "count": chance.trainings[-1],
        "drawn": chance.drawn,
        "share": f"{100 * chance.mean[-1]:.0f} %",
        "end": f"{100 * grown.shares[-1]:.0f} %",
        "after": grown.trainings[-1],
    }


def progress_figure(grown: Growth, chance: ByChance | None) -> go.Figure:
    """Hypervolume of the front against the number of trainings, beside what chance would have found with so many."""
    line = _line(grown.trainings[1:], grown.shares[1:], "this search", "after %{x} trainings")
    figure = go.Figure(line.update(showlegend=bool(chance)))
    if chance:
        _draw_chance(figure, chance)
        figure.update_xaxes(title="Trainings, logarithmic", **LOGARITHMIC)
    else:
        few = grown.trainings[-1:] <= [10]
        figure.update_xaxes(title="Trainings", rangemode="tozero", dtick=1 if few else None)
    return _percents(figure)


def time_figure(grown: Growth) -> go.Figure:
    """Hypervolume of the front against the time that the search took."""
    name, unit = units.time_unit(grown.seconds[-1])
    times = [round(seconds / unit, 3) for seconds in grown.seconds]
    figure = go.Figure(_line(times, grown.shares, "this search", f"after %{{x:.1f}} {name.lower()}"))
    figure.update_xaxes(title=name, rangemode="tozero")
    return _percents(figure).update_layout(showlegend=False)


def _line(x: Sequence[float], shares: Sequence[float], name: str, text: str) -> go.Scatter:
    percents = [round(100 * share, 2) for share in shares]
    line = {"shape": "hv", "color": PALETTE[0], "width": 2.5}
    return go.Scatter(
        x=list(x), y=percents, name=name, mode="lines", line=line, hovertemplate=f"%{{y:.1f}} % {text}<extra></extra>"
    )


def _draw_chance(figure: go.Figure, chance: ByChance) -> None:
    """Add the mean of what chance finds, dashed, and the band in which four of five orders lie."""
    x = chance.trainings
    sure = x[: len(chance.low)]
    edges = [round(100 * share, 2) for share in (*chance.high, *reversed(chance.low))]
    figure.add_trace(
        go.Scatter(x=[*sure, *reversed(sure)], y=edges, fill="toself", fillcolor=BAND, mode="none", hoverinfo="skip",
                   showlegend=False)
    )  # fmt: skip
    line = {"color": QUIET, "width": 2, "dash": "dash"}
    text = "%{y:.1f} % after %{x} trainings by chance<extra></extra>"
    figure.add_trace(
        go.Scatter(x=x, y=[round(100 * share, 2) for share in chance.mean], mode="lines", line=line,
                   name="the same by chance", hovertemplate=text)
    )  # fmt: skip


def _percents(figure: go.Figure) -> go.Figure:
    figure.update_yaxes(title="Hypervolume (%)", rangemode="tozero")
    return style(figure, height=320).update_layout(margin_t=48)


def timeline_figure(side_by_side: Sequence[Stint]) -> go.Figure:
    """Every training as a bar from its beginning to its end, one beside the other as they ran.

    All of one cause are one line with gaps; of very many those are one bar between which no gap would be seen.
    """
    figure, lanes = go.Figure(), 1 + max(stint.lane for stint in side_by_side)
    whole = max(stint.end for stint in side_by_side)
    name, unit = units.time_unit(whole)
    if len(side_by_side) > MANY:
        side_by_side = joined(side_by_side, whole / WIDE)
    height = min(LANE * lanes, MOST_HEIGHT)
    for cause, (title, colour) in CAUSES.items():
        own = [stint for stint in side_by_side if stint.cause == cause]
        if own:
            figure.add_trace(_bars(own, unit, title, colour, max(0.66 * height / lanes, 1.0)))
    figure.update_xaxes(title=name, rangemode="tozero", showgrid=False)
    figure.update_yaxes(title="Workers", range=[lanes + 0.5, 0.5], dtick=1 if lanes <= 10 else None, showgrid=False)
    return style(figure, height=height + 130).update_layout(margin_t=48, hovermode="closest")


def _told(stint: Stint) -> str:
    took = units.duration(stint.end - stint.start)
    return f"trial {stint.trial}: {took}" if stint.count == 1 else f"{stint.count} trainings: {took}"


def _bars(own: Sequence[Stint], unit: float, name: str, colour: str, width: float) -> go.Scatter:
    gap: list[float | None] = [None]
    x = [at for s in own for at in [round(s.start / unit, 3), round(s.end / unit, 3), *gap]]
    y = [at for s in own for at in [s.lane + 1, s.lane + 1, *gap]]
    text = [at for s in own for at in [_told(s)] * 2 + [""]]
    return go.Scatter(
        x=x, y=y, text=text, mode="lines", name=name, line={"color": colour, "width": width},
        hovertemplate="%{text}<extra></extra>",
    )  # fmt: skip
