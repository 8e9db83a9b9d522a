"""Refuse architectures that break a limit before training, and limits that no network can meet."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from math import isfinite
from typing import Literal

import numpy as np

from nas.config import SearchConfig
from nas.errors import SettingError
from nas.evaluation.catalogue import objective, objectives
from nas.evaluation.cost_table import CostTable
from nas.evaluation.objectives import Candidate, Conditions, Effort, Objective, Reading
from nas.evaluation.units import exact, show
from nas.network.architecture import Architecture
from nas.network.build import build
from nas.network.options import Scalar
from nas.registry import OBJECTIVES, OURS
from nas.space.space import Decisions, SearchSpace, completing

STARTS = 16  # random networks to start from when looking for an extreme
GENEROUS = 0.7  # a limit that is farther from the likely best value than this ratio cannot be met
Side = Literal["maximum", "minimum"]
Point = tuple[float, Architecture]
Network = tuple[Decisions, Architecture]


def broken_limit(config: SearchConfig, metrics: Mapping[str, float]) -> str:
    """The first limit that the metrics break, in words, or an empty text."""
    for name, limit in config.maximum.items():
        if name in metrics and metrics[name] > limit:
            return f"{name} {exact(metrics[name])} is above {exact(limit)}"
    for name, limit in config.minimum.items():
        if name in metrics and metrics[name] < limit:
            return f"{name} {exact(metrics[name])} is below {exact(limit)}"
    return ""


@dataclass(frozen=True)
class Limits:
    """Refuses architectures that break a limit, without building or measuring anything.

    A predicted value must keep its limit even if the prediction errs as much as for one network in ten, so that nine
    of ten that pass keep the limit where they run.
    """

    config: SearchConfig
    conditions: Conditions

    def refusal(self, architecture: Architecture) -> str:
        """The first limit that is broken, in words, or an empty text."""
        cautious = self.config.model_copy(update={"maximum": self.maximum})
        for name in (*self.config.maximum, *self.config.minimum):
            value = self.tell(name, architecture)
            if value is not None and (reason := broken_limit(cautious, {name: value})):
                return reason
        return ""

    def tell(self, name: str, architecture: Architecture) -> float | None:
        """An objective's value from the decisions alone, or None."""
        return objective(name).tell(Candidate(architecture, self.conditions))

    def cheap(self, architecture: Architecture) -> dict[str, float]:
        """The values of objectives and limits known at once. Asked for thousands of candidates a proposal."""
        candidate = Candidate(architecture, self.conditions)
        values = {name: found.tell(candidate) for name, found in self._quick.items()}
        return {name: value for name, value in values.items() if value is not None}

    @cached_property
    def _quick(self) -> dict[str, Objective]:
        asked = objectives((*self.config.objectives, *self.config.maximum, *self.config.minimum))
        return {name: found for name, found in asked.items() if self.is_quick(found)}

    def is_quick(self, found: Objective) -> bool:
        """Tell whether an objective may be asked for thousands of candidates."""
        predicted = not found.predictable or self.conditions.predictor is not None
        return bool(found.known or found.adds) and not found.slow and predicted

    def table(self, space: SearchSpace) -> CostTable | None:
        """Return what tells the values of `cheap` for many points of a space at once, or None where nothing does."""
        sums = {name: found.summed(self.conditions) for name, found in self._quick.items() if not found.known}
        table = CostTable(space, {name: found for name, found in sums.items() if found})
        return table if table.sums and table.sums.keys() == self._quick.keys() and table.serves else None

    @cached_property
    def maximum(self) -> dict[str, float]:
        """The upper limits, each lowered by the doubt in what is known beforehand."""
        return {
            name: limit / (1 + objective(name).doubt(self.conditions)) for name, limit in self.config.maximum.items()
        }

    def check(self, space: SearchSpace) -> None:
        """Raise SettingError for a limit that no network of the space meets, with the nearest value that one has."""
        for name, limit in self.config.maximum.items():
            self._check(space, "--max", name, limit, "minimum")
        for name, limit in self.config.minimum.items():
            self._check(space, "--min", name, limit, "maximum")

    def _check(self, space: SearchSpace, option: str, name: str, limit: float, side: Side) -> None:
        nearest = self.extreme(space, name, side, limit)
        if nearest is not None and (nearest[0] > limit if side == "minimum" else nearest[0] < limit):
            raise _unmet(space, option, name, limit, nearest[0])

    def check_measured(self, space: SearchSpace) -> None:
        """Raise SettingError for a limit on a measured objective that no network of the space comes near.

        The limit is compared, generously, with the measured value of the network that is likely to have the best.
        """
        if self.conditions.deployment is None:
            return
        asked = [("--max", "minimize", *one) for one in self.config.maximum.items()]
        asked += [("--min", "maximize", *one) for one in self.config.minimum.items()]
        for option, goal, name, limit in asked:
            found = objective(name)
            best = self.extreme(space, found.like, "minimum") if found.like and found.goal == goal else None
            if best is None:
                continue
            value = measured(found, Candidate(best[1], self.conditions), "full").value
            if limit < GENEROUS * value if option == "--max" else GENEROUS * limit > value:
                raise _unmet(space, option, name, limit, value)

    def extreme(self, space: SearchSpace, name: str, side: Side, enough: float | None = None) -> Point | None:
        """The smallest or largest value of an objective in a space, as far as changing one decision at a time finds it.

        Decisions that newly arise by a change are made for it. Ends as soon as a value reaches `enough`; None where the
        decisions alone do not tell the value.
        """
        sign = 1.0 if side == "minimum" else -1.0
        best: Point | None = None
        for best in self._descent(space, name, sign):
            if enough is not None and sign * best[0] <= sign * enough:
                break
        return best

    def _descent(self, space: SearchSpace, name: str, sign: float) -> Iterator[Point]:
        """Ever better values: from the first and some random networks, then by each decision of the best in turn."""

        def loss(network: Network) -> float:
            value = self.tell(name, network[1])
            return sign * value if value is not None and isfinite(value) else np.inf

        def around() -> Iterator[Network]:
            for turned in [*decisions]:
                for value in space.domains(decisions).get(turned, ()):
                    yield _turned(space, decisions, turned, value, loss)

        rng = np.random.default_rng(0)
        drawn = (space.sample(rng) for _ in range(STARTS))
        best, decisions = np.inf, Decisions()
        better = True
        networks: Iterable[Network] = chain([space.record(lambda _, values: values[0])], drawn)
        while better:
            better = False
            for network in networks:
                if (found := loss(network)) < best:
                    best, decisions, better = found, network[0], True
                    yield sign * found, network[1]
            networks = around()


def _turned(
    space: SearchSpace, decisions: Decisions, name: str, value: Scalar, loss: Callable[[Network], float]
) -> Network:
    """The network with another value of one decision, and of those that newly arise by it each at its best."""
    found, known = space.record(completing(decisions | {name: value})), {*decisions}
    while new := next((other for other in found[0] if other not in known), None):
        options = [space.record(completing(found[0] | {new: option})) for option in space.domains(found[0])[new]]
        found = min(options, key=loss)
        known.add(new)
    return found


def check_alike(known: Set[str], others: Set[str]) -> None:
    """Raise SettingError where an objective is told at once of one network and not of another."""
    for name in sorted(known ^ others):
        raise SettingError(f"known(candidate) of {objective(name).words}: gives a number for some networks of the "
                           "space and None for others; give one for all, or leave it out and measure")  # fmt: skip


def measured(found: Objective, candidate: Candidate, effort: Effort) -> Reading:
    """Read an objective of a network that is not built yet. Those of nas build themselves what they measure."""
    if OBJECTIVES.origins(found.name) != [OURS]:
        candidate = replace(candidate, network=build(candidate.architecture))
    return found.read(candidate, effort)


def _unmet(space: SearchSpace, option: str, name: str, limit: float, nearest: float) -> SettingError:
    """The error for a limit that no network meets."""
    word = "above" if option == "--max" else "below"
    return SettingError(
        f"{option} {name}={exact(limit)}: every network of {space.name} is {word} that; the closest has "
        f"{name}={exact(nearest)} ({show(name, nearest)})"
    )


def neighbours(space: SearchSpace, decisions: Decisions) -> Iterator[tuple[Decisions, Architecture]]:
    """Every network that differs in one decision, with the first value for decisions that newly arise."""
    for name, values in space.domains(decisions).items():
        for value in values:
            if value != decisions[name]:
                yield space.record(completing(decisions | {name: value}))
