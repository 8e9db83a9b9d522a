"""The look of every chart, in light and in dark, and how one becomes a part of a page.

The palette is Okabe and Ito's, safe for colour-blind readers.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from html import escape
from itertools import cycle

import plotly.graph_objects as go
from markupsafe import Markup

from nas.files import Json
from nas.report.collecting import collect

PALETTE = ("#0072B2", "#56B4E9", "#D55E00", "#E69F00", "#009E73", "#CC79A7", "#6A51A3", "#7F7F7F")
INK, QUIET, GRID = "#1d2433", "#5b6475", "#e6e9ef"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
Attributes = Json
"""Plotly's attributes of a part of a figure."""
LOGARITHMIC: Attributes = {"type": "log", "nticks": 4, "tickformat": ",.12~g"}
"""An axis whose ticks plotly finds anew for whatever part is shown: 1, 2 and 5 of every power of ten, where those would
be few the round values between; the format writes all of each."""
PLAIN = str.maketrans({chr(code): " " for code in (*range(32), 127)})


def _theme(ink: str, quiet: str, grid: str, paper: str, colours: tuple[str, ...], scale: tuple[str, ...]) -> Attributes:
    """Make a template of plotly's. `scale` are the colours of a scale with a middle: low end, middle, high end."""
    font = {"family": FONT, "size": 14, "color": ink}
    axis = {"gridcolor": grid, "linecolor": quiet, "zeroline": False, "tickfont": {"color": quiet}, "automargin": True}
    marks = {"outlinewidth": 0, "thickness": 14, "tickfont": {"color": quiet}}
    layout = {
        "font": font,
        "colorway": list(colours),
        "paper_bgcolor": paper,
        "plot_bgcolor": paper,
        "margin": {"l": 64, "r": 24, "t": 64, "b": 56},
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "xanchor": "left", "yanchor": "bottom"},
        "hoverlabel": {"bgcolor": paper, "bordercolor": quiet, "align": "left", "font": font | {"size": 13}},
        "xaxis": axis | {"showline": True, "ticks": "outside", "tickcolor": quiet},
        "yaxis": axis,
        "coloraxis": {
            "colorscale": [[i / (len(scale) - 1), colour] for i, colour in enumerate(scale)],
            "colorbar": marks,
        },
        "shapedefaults": {"line": {"color": quiet}},
        "annotationdefaults": {"font": {"color": quiet, "size": 13}},
    }
    points = {"marker": {"line": {"color": ink}}, "error_x": {"color": quiet}, "error_y": {"color": quiet}}
    bars = {"error_x": {"color": ink}, "error_y": {"color": ink}}
    return {"layout": layout, "data": {"bar": [bars], "scatter": [points]}}


THEMES = {
    "light": _theme(
        INK, QUIET, GRID, "#ffffff",
        (PALETTE[0], PALETTE[2], PALETTE[4], PALETTE[5], PALETTE[3]),
        ("#08519c", "#3787c0", "#bcd7eb", "#ffffff", "#fdc692", "#ec6f1a", "#8c2d04"),
    ),
    "dark": _theme(
        "#e6e9ef", "#a3adbd", "#2c3340", "#14181f",
        (PALETTE[1], PALETTE[3], "#2bbf93", "#e3a6c8", "#f0e442"),
        ("#9ecae1", "#4292c6", "#12395c", "#14181f", "#6b2a04", "#d95f0e", "#fec44f"),
    ),
}  # fmt: skip
"""Templates of plotly's; a page gives its charts the one that the reader prefers."""


def mark_stages(figure: go.Figure, blocks: Sequence[tuple[int, str]]) -> dict[tuple[int, str], int]:
    """Mark the stages below a figure with a place for each stage's blocks, and return the places."""
    places = {(stage, block): i + stage for i, (stage, block) in enumerate(blocks)}  # a gap between stages
    stages = dict.fromkeys(stage for stage, _ in blocks)
    middles = [[place for (stage, _), place in places.items() if stage == each] for each in stages]
    figure.update_xaxes(
        tickvals=[sum(group) / len(group) for group in middles],
        ticktext=[f"stage {each}" for each in stages],
        ticks="",
        showgrid=False,
        range=[-1, max(places.values()) + 1],
    )
    return places


def colours_of(blocks: Iterable[str]) -> dict[str, str]:
    """Give each block a colour, in their order; of very many some share one."""
    return dict(zip(dict.fromkeys(blocks), cycle(PALETTE)))


def style(figure: go.Figure, height: int) -> go.Figure:
    """Give a figure the common look, in light, and a height in pixels."""
    figure.layout.template = _light()
    return figure.update_layout(height=height)


@cache
def _light() -> go.layout.Template:
    """Lay the theme over plotly's own, once, since that takes longer than to draw a chart."""
    return go.Figure().update_layout(template=THEMES["light"]).layout.template


def embed(figure: go.Figure, name: str) -> Markup:
    """Turn a figure into a part of a page (plotly escapes what could end the script)."""
    collect(figure, name)
    config = {"displaylogo": False, "responsive": True, "modeBarButtons": [["toImage", "resetScale2d"]]}
    return Markup(figure.to_html(full_html=False, include_plotlyjs=False, div_id=f"chart-{name}", config=config))


def literal(text: str, most: int = 200) -> str:
    """Write foreign text so that a chart shows it as it is: no markup, no more than `most` characters, one direction.

    The isolating characters keep a name in Hebrew or Arabic from turning its surroundings round. Plotly knows the
    names of few characters, so that quotes stay themselves.
    """
    plain = text.translate(PLAIN).encode(errors="backslashreplace").decode()
    cut = plain if len(plain) <= most else plain[: most - 1] + "…"
    return f"\u2068{escape(cut, quote=False)}\u2069"
