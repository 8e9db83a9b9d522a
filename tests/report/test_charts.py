"""What charts share."""

import math
from pathlib import Path

import plotly.graph_objects as go
import pytest
from browser import opened
from playwright.sync_api import Browser, Page
from plotly.offline import get_plotlyjs

from nas.report.charts import LOGARITHMIC, style

FEWEST, MOST = 2, 11  # labels, of which a narrow plane has room for the latter


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of one chart as wide as a plane, with a logarithmic axis."""
    figure = style(go.Figure(go.Scatter(x=[1e-6, 1e12], y=[0, 1])).update_xaxes(LOGARITHMIC), height=300)
    path = tmp_path_factory.mktemp("chart") / "page.html"
    chart = figure.update_layout(width=380).to_html(full_html=False, include_plotlyjs=False, div_id="chart")
    path.write_text(f"<meta charset=utf-8><link rel=icon href=data:,><script>{get_plotlyjs()}</script>{chart}")
    return path


def labels(shown: Page) -> list[float]:
    """The numbers at the ticks of the horizontal axis."""
    return [float(text.replace(",", "")) for text in shown.locator(".xtick text").all_text_contents()]


def test_a_logarithmic_axis_has_round_labels_whatever_part_is_shown(browser: Browser, page: Path) -> None:
    with opened(browser, page) as shown:
        for low in (4e-5, 0.21, 1.0, 2.99, 5.1, 999.0, 1.3e6):
            for ratio in (1.00001, 1.02, 1.7, 4.2, 9.0, 14.0, 40.0, 300.0, 1e5):
                ends = [math.log10(low), math.log10(low * ratio)]
                shown.evaluate("ends => Plotly.relayout('chart', {'xaxis.range': ends})", ends)
                found = labels(shown)
                assert FEWEST <= len(found) <= MOST, (low, ratio, found)
                assert len(set(found)) == len(found)
                edge = ratio**0.001  # plotly rounds to the pixel
                assert all(low / edge <= label <= low * ratio * edge for label in found), (low, ratio, found)


def test_labels_of_a_narrow_front_are_as_a_person_would_write_them(browser: Browser, page: Path) -> None:
    with opened(browser, page) as shown:
        shown.evaluate(
            "ends => Plotly.relayout('chart', {'xaxis.range': ends})", [math.log10(2.992), math.log10(3.058)]
        )
        assert labels(shown) == [3, 3.02, 3.04]
