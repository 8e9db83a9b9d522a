"""Limits before training: what the decisions alone tell of an architecture, and whether a limit can be met at all."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Literal

import numpy as np

from nas.config import SearchConfig, broken_limit
from nas.costs.latency.predictor import Predictor
from nas.errors import SettingError
from nas.evaluation.units import show
from nas.network.architecture import Architecture
from nas.registry import OBJECTIVES
from nas.space.space import Choose, Decisions, SearchSpace

STARTS = 16  # networks drawn to find an extreme from
Side = Literal["maximum", "minimum"]
Point = tuple[float, Architecture]


@dataclass(frozen=True)
class Feasibility:
    """Refuses what breaks a limit, without building or measuring anything.

    A predicted latency must keep its limit even if the prediction is as far off as it is for one network in ten, so
    that nine of ten that pass keep the limit where they run.
    """

    config: SearchConfig
    predictor: Predictor | None = None

    def refusal(self, architecture: Architecture) -> str:
        """The first limit that is broken, in words, or an empty text."""
        cautious = self.config.model_copy(update={"maximum": self.maximum})
        for name in (*self.config.maximum, *self.config.minimum):
            value = known(name, architecture, self.config, self.predictor)
            if value is not None and (reason := broken_limit(cautious, {name: value})):
                return reason
        return ""

    @property
    def _doubt(self) -> float:
        return self.predictor.error.above if self.predictor else 0.0

    def cheap(self, architecture: Architecture) -> dict[str, float]:
        """What a sampler may ask of thousands of candidates: the objectives and limits that are known in no time."""
        values = {name: known(name, architecture, self.config, self.predictor) for name in self._asked}
        return {name: value for name, value in values.items() if value is not None}

    @cached_property
    def _asked(self) -> list[str]:
        config = self.config
        return [n for n in dict.fromkeys((*config.objectives, *config.maximum, *config.minimum)) if n in self.quick]

    @cached_property
    def quick(self) -> set[str]:
        """The objectives that `cheap` tells."""
        told = {n for n in OBJECTIVES.names() if OBJECTIVES.get(n).known and not OBJECTIVES.get(n).slow}
        return told if self.predictor else told - {"latency"}

    @property
    def maximum(self) -> dict[str, float]:
        """The upper limits, that on a predicted latency lowered by what the prediction may be off."""
        limits = dict(self.config.maximum)
        if "latency" in limits:
            limits["latency"] /= 1 + self._doubt
        return limits

    def check(self, space: SearchSpace) -> None:
        """Raises SettingError for a limit that no network of the space meets, with the nearest that one does."""
        for name, limit in self.config.maximum.items():
            self._check(space, "--max", name, limit, "minimum")
        for name, limit in self.config.minimum.items():
            self._check(space, "--min", name, limit, "maximum")

    def _check(self, space: SearchSpace, option: str, name: str, limit: float, side: Side) -> None:
        nearest = self.extreme(space, name, side, limit)
        if nearest is not None and (nearest[0] > limit if side == "minimum" else nearest[0] < limit):
            raise unmet(space, option, name, limit, nearest[0])

    def extreme(self, space: SearchSpace, name: str, side: Side, enough: float | None = None) -> Point | None:
        """The smallest or largest value of an objective in a space, as far as changing one decision at a time finds it.

        Ends as soon as a value reaches `enough`; None where the decisions alone do not tell the value.
        """
        sign = 1.0 if side == "minimum" else -1.0
        best: Point | None = None
        for best in self._descent(space, name, sign):
            if enough is not None and sign * best[0] <= sign * enough:
                break
        return best

    def _descent(self, space: SearchSpace, name: str, sign: float) -> Iterator[Point]:
        """Ever better values: of the first and some random networks, then of the best one's neighbours, and so on."""
        rng = np.random.default_rng(0)
        drawn = (space.sample(rng) for _ in range(STARTS))
        best, decisions = np.inf, Decisions()
        better = True
        points: Iterable[tuple[Decisions, Architecture]] = chain([space.record(lambda _, values: values[0])], drawn)
        while better:
            better = False
            for other, architecture in points:
                value = known(name, architecture, self.config, self.predictor)
                if value is None:
                    return
                if sign * value < best:
                    best, decisions, better = sign * value, other, True
                    yield value, architecture
            points = list(_neighbours(space, decisions))


def unmet(space: SearchSpace, option: str, name: str, limit: float, nearest: float) -> SettingError:
    """The error of a limit that nothing can meet."""
    word = "above" if option == "--max" else "below"
    return SettingError(
        f"{option} {name}={limit:g}: every network of {space.name} is {word} that; the nearest there is has "
        f"{name}={nearest:.6g} ({show(name, nearest)})"
    )


def known(name: str, architecture: Architecture, config: SearchConfig, predictor: Predictor | None) -> float | None:
    """An objective's value from the decisions alone, or None."""
    tell = OBJECTIVES.get(name).known
    value: float | None = tell(architecture, config, predictor) if tell else None
    return value


def _neighbours(space: SearchSpace, decisions: Decisions) -> Iterator[tuple[Decisions, Architecture]]:
    """Every network that differs in one decision; what then has to be decided anew takes its first value."""
    for name, values in space.domains(decisions).items():
        for value in values:
            if value != decisions[name]:
                yield space.record(_following(decisions | {name: value}))


def _following(decisions: Decisions) -> Choose:
    return lambda name, values: decisions[name] if decisions.get(name) in values else values[0]
