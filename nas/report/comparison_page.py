"""The page that shows runs side by side: their fronts, how these grew, and what can be said of the difference."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from nas.evaluation import units
from nas.files import Json
from nas.record.analysis.comparison import QUARTILES, Comparison
from nas.record.analysis.growth import Floats
from nas.report.axes import around, axis_layout, is_wide
from nas.report.charts import PALETTE, THEMES, Attributes, embed, literal, style
from nas.report.choices import ABSENT
from nas.report.rendering import TITLES, check_found, render_page, write_in_place
from nas.settings import text_of

COLOURS = (PALETTE[0], PALETTE[2], PALETTE[4], PALETTE[5], PALETTE[3], PALETTE[1], PALETTE[6], PALETTE[7])


def write_comparison(found: Comparison, page: Path | str) -> None:
    """Write the page, in place of an earlier comparison.

    Raises SettingError for a place that another file has, and for what is no comparison.
    """
    check_found(found, Comparison, "compare")
    page = Path(text_of(page, "page"))
    write_in_place(page, render_page("comparison.html", _context(found)), "comparison")


def _context(found: Comparison) -> Json:
    rows = [
        {
            "name": side.name,
            "colour": colour,
            "runs": [found.names[run.folder] for run in side.runs],
            "hypervolumes": shares,
            "mean": float(np.mean(shares)),
            "deviation": float(np.std(shares, ddof=1)) if len(shares) > 1 else None,
            "took": [units.duration(run.elapsed) for run in side.runs],
            "best": [ABSENT if best is None else units.show(found.objectives[0], best) for best in found.best(side)],
        }
        for side, colour in zip(found.sides, _colours(found), strict=True)
        for shares in [found.hypervolumes(side)]
    ]  # fmt: skip
    return {
        "heading": TITLES["comparison"],
        "plotlyjs": Markup(get_plotlyjs()),
        "themes": THEMES,
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
    axes = [_unit(found, objective) for objective in (0, 1)]
    scale = found.signs[:2] * [unit.factor for unit in axes]
    surfaces = [[found.surface(side, quartile) for quartile in QUARTILES] for side in found.sides]
    shown = np.concatenate([front for fronts in surfaces for front in fronts]) * scale
    layouts = [_closer(name, unit, _values(found, name), shown[:, i])
               for i, (name, unit) in enumerate(zip(found.objectives[:2], axes, strict=True))]  # fmt: skip
    worst = np.array([max(_ends(layout) / one) for layout, one in zip(layouts, scale, strict=True)])
    figure = go.Figure(layout={"yaxis": layouts[0], "xaxis": layouts[1]})
    for side, colour, (best, median, least) in zip(found.sides, _colours(found), surfaces, strict=True):
        if len(side.runs) > 1:
            figure.add_trace(_band([_steps(_framed(front, worst), scale) for front in (best, least)], colour))
        figure.add_traces(_front(side.name, colour, _steps(_framed(median, worst), scale), _steps(median, scale)))
    return style(figure, height=520)


def _closer(name: str, unit: units.Unit, values: Sequence[float], shown: Floats) -> Attributes:
    """Lay out an axis whose range is what is shown of these values, with a margin.

    The worst of a wide range that is maximised may lie below 0, which a logarithmic axis has no place for.
    """
    wide = is_wide(name, values) and float(shown.min()) > 0
    places = np.log10(shown) if wide else shown
    return axis_layout(name, unit, wide=wide) | {"range": around(float(places.min()), float(places.max()))}


def _ends(layout: Attributes) -> Floats:
    """Both ends of an axis, in its unit."""
    ends = np.array(layout["range"])
    return np.power(10.0, ends) if layout.get("type") == "log" else ends


def _front(name: str, colour: str, line: tuple[Floats, Floats], corners: tuple[Floats, Floats]) -> list[go.Scatter]:
    """The line of what a side attained, to the edges of the frame, and what it is made of as dots."""
    (x, y), (at, up) = line, (each[::2] for each in corners)
    alike: Attributes = {"name": literal(name), "legendgroup": name}
    return [
        go.Scatter(x=x, y=y, mode="lines", line={"color": colour, "width": 2.2}, hoverinfo="skip", **alike),
        go.Scatter(x=at, y=up, mode="markers", marker={"color": colour, "size": 7}, showlegend=False, **alike),
    ]


def _band(edges: Sequence[tuple[Floats, Floats]], colour: str) -> go.Scatter:
    """The values that between a quarter and three quarters of a side's runs attained."""
    (x, y), (back_x, back_y) = edges
    return go.Scatter(x=np.concatenate([x, back_x[::-1]]), y=np.concatenate([y, back_y[::-1]]), fill="toself",
                      fillcolor=colour, opacity=0.18, line={"width": 0}, mode="lines", hoverinfo="skip",
                      showlegend=False)  # fmt: skip


def _framed(losses: Floats, worst: Floats) -> Floats:
    """Let a front begin at the worst first loss of the frame and go on to its worst second one."""
    return np.vstack([[worst[0], losses[:, 1].min()], losses, [losses[:, 0].min(), worst[1]]])


def _steps(losses: Floats, scale: Floats) -> tuple[Floats, Floats]:
    """Turn a front of losses into the corners of its steps, x and y, in the units of the axes."""
    ordered = losses[np.argsort(losses[:, 1], kind="stable")]
    best = np.minimum.accumulate(ordered[:, 0])
    return np.repeat(ordered[:, 1], 2)[1:] * scale[1], np.repeat(best, 2)[:-1] * scale[0]


def _unit(found: Comparison, objective: int) -> units.Unit:
    name = found.objectives[objective]
    return units.unit_of(name, _values(found, name))


def _values(found: Comparison, name: str) -> list[float]:
    return [result.metrics[name] for run in found.runs for result in run.results]


def growth_figure(found: Comparison, over: str) -> go.Figure:
    """Draw the hypervolume of every run over its trainings or its seconds, in its side's colour."""
    figure = go.Figure()
    times = [seconds for grown in found.growths for curve in grown for seconds in curve.seconds]
    name, unit = units.time_unit(max(times, default=0.0))
    for side, colour, grown in zip(found.sides, _colours(found), found.growths, strict=True):
        for i, (run, curve) in enumerate(zip(side.runs, grown, strict=True)):
            x = curve.trainings if over == "trainings" else [seconds / unit for seconds in curve.seconds]
            figure.add_trace(
                go.Scatter(
                    x=x, y=[100 * share for share in curve.shares], mode="lines", name=literal(side.name),
                    legendgroup=side.name, showlegend=i == 0, line={"color": colour, "width": 1.8, "shape": "hv"},
                    hovertemplate=f"%{{y:.1f}} %<extra>{literal(found.names[run.folder])}</extra>",
                )
            )  # fmt: skip
    figure.update_xaxes(title="Trained architectures" if over == "trainings" else name, rangemode="tozero")
    figure.update_yaxes(title="Hypervolume (%)", rangemode="tozero")
    return style(figure, height=360)
