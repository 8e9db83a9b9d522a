"""Limits before training: what the decisions alone tell of an architecture, and whether a limit can be met at all."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from nas.architecture import Architecture
from nas.config import SearchConfig, broken_limit
from nas.errors import SettingError
from nas.latency.predictor import Predictor
from nas.registry import OBJECTIVES
from nas.space import Decisions, Domain, SearchSpace
from nas.units import show

STARTS, PASSES = 64, 4  # networks drawn, and rounds of changing one decision after another, to find an extreme
Side = Literal["maximum", "minimum"]


@dataclass(frozen=True)
class Screen:
    """Refuses what breaks a limit, without building or measuring anything.

    A predicted latency must keep its limit even if the prediction is as far off as it is for one network in ten, so
    that nine of ten that pass keep the limit where they run.
    """

    config: SearchConfig
    predictor: Predictor | None = None

    def refusal(self, architecture: Architecture) -> str:
        """The first limit that is broken, in words, or an empty text."""
        metrics = {}
        for name in (*self.config.maximum, *self.config.minimum):
            value = known(name, architecture, self.config, self.predictor)
            if value is not None:
                metrics[name] = value * (1 + self._doubt) if name == "latency" else value
                if reason := broken_limit(self.config, metrics):
                    return reason
        return ""

    @property
    def _doubt(self) -> float:
        return self.predictor.error.above if self.predictor else 0.0

    def check(self, space: SearchSpace) -> None:
        """Raises SettingError for a limit that no network of the space meets, with the nearest that one does."""
        for side, option, word in (("maximum", "--max", "below"), ("minimum", "--min", "above")):
            limits: dict[str, float] = getattr(self.config, side)
            for name, limit in limits.items():
                value = self.extreme(space, name, "minimum" if side == "maximum" else "maximum", limit)
                if value is not None and broken_limit(_only(self.config, side, name), {name: value}):
                    raise SettingError(
                        f"{option} {name}={limit:g}: nothing in {space.name} is {word} that; the nearest there is has "
                        f"{value:.6g} ({show(name, value)})"
                    )

    def extreme(self, space: SearchSpace, name: str, side: Side, enough: float | None = None) -> float | None:
        """The smallest or largest value of an objective in a space, as far as changing one decision at a time finds it.

        Ends as soon as a value reaches `enough`; None where the decisions alone do not tell the value.
        """
        sign = 1.0 if side == "minimum" else -1.0
        best: float | None = None
        for value in self._descent(space, name, sign):
            best = value
            if enough is not None and sign * best <= sign * enough:
                break
        return best

    def _descent(self, space: SearchSpace, name: str, sign: float) -> Iterator[float]:
        """Ever better values: the best of some random networks, then of its neighbours, and so on."""

        def value_of(architecture: Architecture) -> float | None:
            found = known(name, architecture, self.config, self.predictor)
            return None if found is None else sign * found

        rng = np.random.default_rng(0)
        points = [space.record(lambda _, values: values[0]), *(space.sample(rng) for _ in range(STARTS))]
        decisions, best = points[0][0], value_of(points[0][1])
        if best is None:
            return
        yield sign * best
        for other, architecture in points[1:]:
            value = value_of(architecture)
            assert value is not None
            if value < best:
                decisions, best = other, value
                yield sign * best
        for _ in range(PASSES):
            before = best
            for other, architecture in _neighbours(space, decisions):
                value = value_of(architecture)
                assert value is not None
                if value < best:
                    decisions, best = other, value
                    yield sign * best
            if best == before:
                return


def known(name: str, architecture: Architecture, config: SearchConfig, predictor: Predictor | None) -> float | None:
    """An objective's value from the decisions alone, or None."""
    tell = OBJECTIVES.get(name).known
    value: float | None = tell(architecture, config, predictor) if tell else None
    return value


def _neighbours(space: SearchSpace, decisions: Decisions) -> Iterator[tuple[Decisions, Architecture]]:
    """Every network that differs in one decision; what then has to be decided anew takes its first value."""
    domains: dict[str, Domain] = {}

    def recall(name: str, values: Domain) -> object:
        domains[name] = values
        return decisions[name]

    space.decide(recall)  # type: ignore[arg-type]
    for name, values in domains.items():
        for value in values:
            changed = decisions | {name: value}
            if value != decisions[name]:
                yield space.record(lambda n, v, changed=changed: changed[n] if changed.get(n) in v else v[0])


def _only(config: SearchConfig, side: str, name: str) -> SearchConfig:
    """The settings with one limit."""
    limits = {"maximum": {}, "minimum": {}} | {side: {name: getattr(config, side)[name]}}
    return config.model_copy(update=limits)
