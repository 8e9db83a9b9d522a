"""Show values as people read them: 0.9312 accuracy as 93.12 %, 1234567 parameters as 1.23 M, always with the unit."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import floor, isfinite, log10

from nas.evaluation.catalogue import objective

_PREFIXES = ((1e9, "G"), (1e6, "M"), (1e4, "k"))
_THOUSANDS = {"ms": "s", "mJ": "J"}
"""What a thousand are of a unit that has a prefix already."""
WHOLE = 1e9  # from where on a number in full is hard to read
MISSING = "–"


@dataclass(frozen=True)
class Unit:
    """A unit to show values in: a value times `factor` is in `name`.

    `decimals` is the number of digits after the point (None: three significant digits, none of a whole number that
    has no unit).
    """

    factor: float
    name: str
    decimals: int | None = None

    @property
    def difference(self) -> str:
        """The name of the unit of a difference: percentage points for shares."""
        return "points" if self.name == "%" else self.name

    def show(self, value: float) -> str:
        """The number without its unit, or a dash where it is none."""
        if not isfinite(value):
            return MISSING
        scaled = value * self.factor
        if self.decimals is not None:
            return f"{scaled:z.{self.decimals}f}"
        if not self.name and scaled == round(scaled):  # a count
            return f"{scaled:z,.0f}"
        magnitude = floor(log10(abs(scaled))) if scaled else 0
        return f"{scaled:z,.{max(0, 2 - magnitude)}f}"


def title(name: str) -> str:
    """An objective's name as a heading."""
    return objective(name).title or name.replace("_", " ").capitalize()


def words(name: str) -> str:
    """An objective's name within a sentence, abbreviations in capitals."""
    heading = title(name)
    return heading if heading[1:] != heading[1:].lower() else heading.lower()


def capital(text: str) -> str:
    """Write a text as a sentence begins, with a capital first and the rest as it is."""
    return text[:1].upper() + text[1:]


def percent(share: float) -> str:
    """A share in percent: `3.20 %`."""
    return f"{100 * share:.2f} %"


def unit_of(name: str, values: Iterable[float]) -> Unit:
    """One unit for all values of an objective: shares in %, large numbers in k, M or G, many ms in s."""
    found = objective(name)
    if found.share:
        return Unit(100, "%", decimals=2)
    unit = "" if found.unit == title(name) else found.unit
    largest = max(map(abs, values), default=0.0)
    if unit in _THOUSANDS:
        return Unit(1e-3, _THOUSANDS[unit]) if largest >= _PREFIXES[-1][0] else Unit(1, unit)
    if "/" in unit:  # images/s take none
        return Unit(1, unit)
    for size, prefix in _PREFIXES:
        if largest >= size:
            factor = 1e-3 if prefix == "k" else 1 / size
            return Unit(factor, prefix + unit)
    return Unit(1, unit)


def epochs(count: int) -> str:
    """Write a number of epochs."""
    return f"{count} epoch{'' if count == 1 else 's'}"


def show_between(name: str, value: float, half_width: float | None) -> str:
    """A value with its interval: `81.20 ± 1.35 %`."""
    if half_width is None or not isfinite(value):
        return show(name, value)
    own = unit_of(name, [value])
    return f"{own.show(value)} ± {own.show(half_width)} {own.name}".rstrip()


def show_range(name: str, value: float, low: float, high: float) -> str:
    """A value to the digits that its interval leaves a meaning: `93.1 % (95 % interval 92.0 to 94.0)`."""
    if not isfinite(value):
        return MISSING
    own = unit_of(name, [value])
    width = (high - low) * own.factor
    if not isfinite(width) or width <= 0:
        return show(name, value)
    decimals = max(0, 1 - floor(log10(width)))
    own = replace(own, decimals=decimals if own.decimals is None else min(max(decimals, 1), own.decimals))
    return f"{own.show(value)} {own.name}".rstrip() + f" (95 % interval {own.show(low)} to {own.show(high)})"


def exact(value: float) -> str:
    """Write a number in full where it is whole and below a billion, else with six digits."""
    return f"{value:.0f}" if abs(value) < WHOLE and value == round(value) else f"{value:.6g}"


def show(name: str, value: float | None) -> str:
    """One value of an objective with its unit, or a dash where it was not measured or is no number."""
    if value is None or not isfinite(value):
        return MISSING
    own = unit_of(name, [value])
    return f"{own.show(value)} {own.name}".rstrip()


def show_difference(name: str, value: float) -> str:
    """A difference of two values of an objective, in percentage points for shares: `1.35 points`."""
    own = unit_of(name, [value])
    return f"{own.show(value)} {own.difference}".rstrip()


def difference_of(name: str, unit: Unit) -> str:
    """An objective with the unit of its differences: `accuracy in points`."""
    return f"{words(name)} in {unit.difference}" if unit.difference else words(name)


def heading(name: str, unit: str) -> str:
    """An axis or column heading such as `Latency (ms)`."""
    return f"{title(name)} ({unit})" if unit else title(name)


def duration(seconds: float) -> str:
    """A time in words: `8.4 s`, `12 min`, `3 h 05 min`."""
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def time_unit(longest: float) -> tuple[str, float]:
    """The unit of an axis of times, by the longest of them: its heading, and how many seconds it is."""
    if longest <= 2 * 60:
        return "Seconds", 1.0
    return ("Minutes", 60.0) if longest <= 2 * 3600 else ("Hours", 3600.0)


def age(seconds: float) -> str:
    """How long ago something was, in one number: `12 min`, `3 h`, `5 days`."""
    for size, name in ((86_400, "days"), (3600, "h"), (60, "min")):
        if seconds >= (2 if name == "days" else 1) * size:
            return f"{seconds / size:.0f} {name}"
    return f"{max(seconds, 0):.0f} s"
