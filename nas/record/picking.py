"""Picking one result of a front by a rule."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from nas import pareto
from nas.config import SearchConfig
from nas.errors import SettingError
from nas.evaluation.catalogue import objective
from nas.evaluation.picks import KNEE, Bound, Rule, aim, excess, read_rule
from nas.record.results import Result


class Picked(NamedTuple):
    """The result that a rule picks and, where none keeps its limits, what the nearest has, in words."""

    result: Result
    unmet: str = ""


def read_pick(text: str, config: SearchConfig) -> Rule:
    """Read a rule where a trial's number would do as well. Raises SettingError for another text."""
    try:
        return read_rule(text, config)
    except SettingError as error:
        raise SettingError(f"{str(error).rstrip('.')}. Or write a trial's number.") from None


def pick(front: Sequence[Result], rule: Rule, config: SearchConfig) -> Picked:
    """Pick a result of a front that is not empty: where none keeps the limits of a rule, the one nearest to them."""
    if isinstance(rule, tuple):
        return _within(front, rule, config)
    if rule != KNEE:
        return Picked(_best(front, rule))
    asked = [objective(name) for name in config.objectives]
    points = np.array([[result.metrics[name] for name in config.objectives] for result in front])
    maximize, costs = [one.goal == "maximize" for one in asked], [not one.trained for one in asked]
    return Picked(front[pareto.knee(points, maximize, costs)])


def _within(front: Sequence[Result], bounds: Sequence[Bound], config: SearchConfig) -> Picked:
    least = min(excess(bounds, result.metrics) for result in front)
    near = [result for result in front if excess(bounds, result.metrics) == least]
    found = _best(near, aim(bounds, config))
    if not least:
        return Picked(found)
    has = ", ".join(bound.near(found.metrics[bound.name]) for bound in bounds if bound.name in found.metrics)
    limits = " and ".join(map(str, bounds))
    return Picked(found, f"no network on the front keeps {limits}; the nearest, trial {found.number}, has {has}")


def _best(front: Sequence[Result], name: str) -> Result:
    sign = objective(name).sign
    return max(front, key=lambda result: sign * result.metrics[name])
