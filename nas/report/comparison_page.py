"""The page that shows runs side by side: their fronts, how these grew, and what can be said of the difference."""

from pathlib import Path

import numpy as np
import plotly.graph_objects as go
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from nas import files
from nas.errors import SettingError
from nas.evaluation import units
from nas.files import Json
from nas.record.comparison import QUARTILES, Comparison, Side
from nas.record.growth import Floats
from nas.report.charts import PALETTE, embed, literal, style
from nas.report.rendering import render_page

COLOURS = (PALETTE[0], PALETTE[2], PALETTE[4], PALETTE[5], PALETTE[3], PALETTE[1], PALETTE[6], PALETTE[7])


def write_comparison(found: Comparison, page: Path) -> None:
    """Write the page. Raises SettingError when it cannot be written."""
    try:
        files.write(page, render_page("comparison.html", _context(found)))
    except OSError as error:
        raise SettingError(f"{page}: cannot be written ({error.strerror})") from None


def _context(found: Comparison) -> Json:
    rows = [
        {
            "name": side.name,
            "colour": colour,
            "runs": [run.name for run in side.runs],
            "hypervolumes": shares,
            "mean": float(np.mean(shares)),
            "deviation": float(np.std(shares, ddof=1)) if len(shares) > 1 else None,
            "took": [units.duration(run.elapsed) for run in side.runs],
            "best": [units.show(found.objectives[0], run.pick(found.objectives[0]).metrics[found.objectives[0]])
                     for run in side.runs],
        }
        for side, colour in zip(found.sides, _colours(found), strict=True)
        for shares in [found.hypervolumes(side)]
    ]  # fmt: skip
    return {
        "plotlyjs": Markup(get_plotlyjs()),
        "sides": rows,
        "trainings": found.trainings,
        "objectives": found.objectives,
        "sentences": found.sentences(),
        "fronts_chart": embed(fronts_figure(found), "fronts"),
        "trainings_chart": embed(growth_figure(found, over="trainings"), "trainings"),
        "time_chart": embed(growth_figure(found, over="seconds"), "time"),
    }


def _colours(found: Comparison) -> list[str]:
    return [COLOURS[i % len(COLOURS)] for i in range(len(found.sides))]


def fronts_figure(found: Comparison) -> go.Figure:
    """Draw each side's front in the first two objectives: what half of its runs attained, within the quartiles."""
    figure = go.Figure()
    for side, colour in zip(found.sides, _colours(found), strict=True):
        if len(side.runs) > 1:
            figure.add_traces(_band(found, side, colour))
        x, y = _steps(found, found.surface(side, QUARTILES[1]))
        figure.add_trace(go.Scatter(x=x, y=y, mode="lines+markers", name=literal(side.name),
                                    line={"color": colour, "width": 2.2}, marker={"size": 5}))  # fmt: skip
    for axis, i in (("xaxis", 1), ("yaxis", 0)):
        unit = _unit(found, i)
        figure.update_layout({axis: {"title": units.heading(found.objectives[i], unit.name)}})
    return style(figure, height=520)


def _band(found: Comparison, side: Side, colour: str) -> list[go.Scatter]:
    """The values that between a quarter and three quarters of a side's runs attained."""
    losses = np.concatenate([found.surface(each, quartile) for each in found.sides for quartile in QUARTILES])
    worst = losses.max(axis=0)
    edges = [_steps(found, _framed(found.surface(side, quartile), worst)) for quartile in (QUARTILES[0], QUARTILES[2])]
    x, y = (np.concatenate([edges[0][i], edges[1][i][::-1]]) for i in (0, 1))
    return [go.Scatter(x=x, y=y, fill="toself", fillcolor=colour, opacity=0.18, line={"width": 0}, mode="lines",
                       hoverinfo="skip", showlegend=False)]  # fmt: skip


def _framed(losses: Floats, worst: Floats) -> Floats:
    """Let a front begin at the worst first loss of the figure and go on to its worst second one."""
    return np.vstack([[worst[0], losses[:, 1].min()], losses, [losses[:, 0].min(), worst[1]]])


def _steps(found: Comparison, losses: Floats) -> tuple[Floats, Floats]:
    """Turn a front of losses into the corners of its steps, in the units of the axes."""
    ordered = losses[np.argsort(losses[:, 1], kind="stable")]
    best = np.minimum.accumulate(ordered[:, 0])
    x, y = np.repeat(ordered[:, 1], 2)[1:], np.repeat(best, 2)[:-1]
    scale = [float(found.signs[i]) * _unit(found, i).factor for i in (0, 1)]
    return x * scale[1], y * scale[0]


def _unit(found: Comparison, objective: int) -> units.Unit:
    name = found.objectives[objective]
    return units.unit_of(name, [result.metrics[name] for run in found.runs for result in run.front()])


def growth_figure(found: Comparison, over: str) -> go.Figure:
    """Draw the hypervolume of every run over its trainings or its seconds, in its side's colour."""
    figure = go.Figure()
    for side, colour, grown in zip(found.sides, _colours(found), found.growths, strict=True):
        for i, (run, curve) in enumerate(zip(side.runs, grown, strict=True)):
            x = curve.trainings if over == "trainings" else [seconds / 60 for seconds in curve.seconds]
            figure.add_trace(
                go.Scatter(
                    x=x, y=[100 * share for share in curve.shares], mode="lines", name=literal(side.name),
                    legendgroup=side.name, showlegend=i == 0, line={"color": colour, "width": 1.8, "shape": "hv"},
                    hovertemplate=f"%{{y:.1f}} %<extra>{literal(run.name)}</extra>",
                )
            )  # fmt: skip
    figure.update_xaxes(title="Trained architectures" if over == "trainings" else "Minutes", rangemode="tozero")
    figure.update_yaxes(title="Hypervolume (%)", rangemode="tozero")
    return style(figure, height=360)
