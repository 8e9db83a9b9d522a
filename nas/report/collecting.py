"""The figures of a page, collected as they become parts of it, without plotly: the help of a command must not wait."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import plotly.graph_objects as go

_collecting: ContextVar["dict[str, go.Figure] | None"] = ContextVar("collecting", default=None)


@contextmanager
def collected() -> Iterator["dict[str, go.Figure]"]:
    """Collect within the block, by name, every figure that becomes a part of a page."""
    figures: dict[str, go.Figure] = {}
    before = _collecting.set(figures)
    try:
        yield figures
    finally:
        _collecting.reset(before)


def collect(figure: "go.Figure", name: str) -> None:
    """Note that a figure becomes a part of a page, its `chart-NAME`."""
    if (figures := _collecting.get()) is not None:
        figures[name] = figure
