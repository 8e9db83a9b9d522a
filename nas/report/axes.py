"""The axes of planes: an objective in the unit of all results, with the doubts about its values."""

from collections.abc import Iterable, Sequence
from math import log10

from nas.evaluation import units
from nas.evaluation.catalogue import objective
from nas.record.results import Result
from nas.report.charts import LOGARITHMIC, Attributes, literal
from nas.report.view import View

WIDE = 15.0  # ratio of largest to smallest value from which an axis is logarithmic
MARGIN = 0.15  # of the front's own region, around it


def is_wide(name: str, values: Sequence[float]) -> bool:
    """Tell whether the axis of an objective with these values is logarithmic."""
    return not objective(name).share and min(values) > 0 and max(values) > WIDE * min(values)


def axis_layout(name: str, unit: units.Unit, *, wide: bool) -> Attributes:
    """The title with its unit, and a logarithmic axis for a wide range."""
    title = literal(units.heading(name, unit.name)) + (", logarithmic" if wide else "")
    return (LOGARITHMIC if wide else {}) | {"title": title}


def around(low: float, high: float, spare: float = 0.0) -> list[float]:
    """The ends of a range with a margin, which is `spare` or else a tenth of its place where the range is a point."""
    margin = MARGIN * (high - low) or spare or abs(high) / 10 or 1.0
    return [low - margin, high + margin]


class Axis:
    """One objective along a plane's side, in the unit of all results."""

    def __init__(self, view: View, name: str) -> None:
        self.view, self.name = view, name
        self.more = objective(name).goal == "maximize"
        self.unit = view.unit(name, view.run.results)
        values = [result.metrics[name] for result in view.run.results]
        self.wide = is_wide(name, values)

    def shown(self, value: float) -> float:
        """A value in the axis' unit, to six digits."""
        return float(f"{value * self.unit.factor:.6g}")

    def place(self, value: float) -> float:
        """Where a value lies along the axis, as plotly writes ranges."""
        scaled = value * self.unit.factor
        return log10(scaled) if self.wide else scaled

    @property
    def layout(self) -> Attributes:
        """The title with its unit, and a logarithmic axis for a wide range."""
        return axis_layout(self.name, self.unit, wide=self.wide)

    def region(self) -> list[float]:
        """The range of the front and its error bars with a margin, or where it is a point, a tenth of all results'."""
        front, found = ([self.place(t.metrics[self.name]) for t in group]
                        for group in (self.view.front, self.view.run.results))  # fmt: skip
        ends = [t.metrics[self.name] + side * self._doubt(t) for t in self.view.front for side in (-1, 1)]
        front += [self.place(end) for end in ends if end > 0 or not self.wide]
        return around(min(front), max(front), (max(found) - min(found)) / 10)

    def last(self, result: Result) -> tuple[float, float]:
        """Where a result was measured again, with half the interquartile range, or where it stands."""
        reading = self.view.again.get(self.name, {}).get(result.key)
        if not reading:
            return self.shown(result.metrics[self.name]), 0.0
        return self.shown(reading["value"]), self.shown(float(reading.get("iqr") or 0.0) / 2)

    def doubts(self, results: Iterable[Result]) -> Attributes:
        """Error bars: 95 % intervals of a trained objective, half the widest interquartile ranges of a measured one."""
        widths = list(map(self._doubt, results))
        array = [self.shown(width) for width in widths]
        return {"type": "data", "array": array, "visible": any(widths), "thickness": 1, "width": 3}

    def _doubt(self, result: Result) -> float:
        """Return the length of an error bar to one side."""
        return result.intervals.get(self.name) or self.view.spread(result.trial, self.name) / 2
