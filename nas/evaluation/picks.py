"""Rules that pick one network of a front: the knee, the best in an objective, or the best within limits."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from nas.config import SearchConfig
from nas.errors import SettingError
from nas.evaluation.catalogue import objective
from nas.evaluation.units import exact, show
from nas.registry import OBJECTIVES, suggest
from nas.settings import parse_amount

KNEE = "knee"
FORM = "latency<=2, or several by comma: latency<=2,params<=1M"
_LIMIT = re.compile(r"\s*([^<>=]*?)\s*(<=|>=)\s*([^<>=]*?)\s*")


@dataclass(frozen=True)
class Bound:
    """A limit on an objective of networks that are trained already: at most or, unless `most`, at least `value`."""

    name: str
    most: bool
    value: float

    def __str__(self) -> str:
        return f"{self.name}{'<=' if self.most else '>='}{exact(self.value)}"

    def excess(self, value: float) -> float:
        """By how much a value breaks the limit, as a share of the limit, or 0 where it is kept."""
        over = value - self.value if self.most else self.value - value
        return max(over, 0.0) / (abs(self.value) or 1.0)

    def near(self, value: float) -> str:
        """A value beside the limit, in words."""
        return f"{self.name}={exact(value)} ({show(self.name, value)})"


Rule = str | tuple[Bound, ...]
"""`knee`, the name of an objective, or limits."""


def read_rule(text: str, config: SearchConfig) -> Rule:
    """Read `knee`, `accuracy` or `latency<=2,params<=1M` for the networks of a search.

    Raises SettingError, with what is allowed and the nearest name, for another text.
    """
    rule = text.strip()
    if re.search("[<>=]", rule):
        return tuple(_bound(part, rule, config) for part in rule.split(","))
    allowed = (KNEE, *config.objectives)
    if rule not in allowed:
        raise SettingError(f"cannot pick '{text}'. {suggest(rule, allowed)} Or limits: {FORM}.")
    return rule


def _bound(part: str, rule: str, config: SearchConfig) -> Bound:
    match = _LIMIT.fullmatch(part)
    if match is None:
        raise SettingError(f"cannot pick '{rule}': '{part.strip()}' is no limit; write {FORM}")
    name, sign, number = match.groups()
    if name not in (allowed := measured(config)):
        raise SettingError(f"cannot pick '{rule}': the search knows no '{name}'. {suggest(name, allowed)}")
    value = parse_amount(number)
    if value is None or not abs(value) < float("inf"):
        unit = objective(name).unit
        raise SettingError(f"cannot pick '{rule}': '{number}' is no number; write one, such as {name}{sign}2, 90% or "
                           f"1.5M{f', in {unit}' if unit else ''}")  # fmt: skip
    return Bound(name, sign == "<=", value)


def measured(config: SearchConfig) -> list[str]:
    """The objectives that a search records of every network: those it weighs, those it limits, those always noted."""
    noted = (name for name in OBJECTIVES.at_hand() if objective(name).noted)
    return list(dict.fromkeys((*config.objectives, *config.maximum, *config.minimum, *noted)))


def excess(bounds: Iterable[Bound], metrics: Mapping[str, float]) -> float:
    """By how much a network breaks limits, their shares added up; a value that is not known breaks its limit."""
    return sum(bound.excess(metrics.get(bound.name, float("inf" if bound.most else "-inf"))) for bound in bounds)


def aim(bounds: Iterable[Bound], config: SearchConfig) -> str:
    """The objective to be best in within limits: the first without a limit, or else the first."""
    limited = {bound.name for bound in bounds}
    return next((name for name in config.objectives if name not in limited), config.objectives[0])
