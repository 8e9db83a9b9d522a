"""The evidence a proposal rests on: what trials told, and the costs of any candidate."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from nas.engine.samplers._screening.tree import Codes, Tree
from nas.space.slot import Domain
from nas.space.space import Decisions

SHARE = 0.1  # of the trials that run, which one screening makes the next proposals for
Values = NDArray[np.float64]
Cheap = Callable[[Decisions], Mapping[str, float]]
Many = Callable[[Mapping[str, Domain], Codes], Mapping[str, Values]]


@dataclass(frozen=True)
class Past:
    """The trials so far, by how they ended.

    `losses` `(points, objectives)` are the objectives of `done`, in its order, with signs such that less is better.
    `limits` are, by name, points and how much each broke a limit, or kept it where below zero; `rejected` broke one.
    """

    done: Codes
    losses: Values
    failed: Codes
    running: Codes
    rejected: Codes
    limits: Mapping[str, tuple[Codes, Values]] = field(default_factory=dict)

    @property
    def batch(self) -> int:
        """How many proposals one screening makes: as many as a tenth of the trials that run."""
        return max(int(SHARE * len(self.running)), 1)


@dataclass(frozen=True)
class Costs:
    """The costs of candidates: values by name that are known exactly without a trial.

    `cheap` tells them of one, `many` of many at once, where the problem can. `columns` are the study's objectives among
    them, by index: name and sign. `maximum` and `minimum` are limits. `memory` keeps the costs of past trials.
    """

    cheap: Cheap
    columns: Mapping[int, tuple[str, float]] = field(default_factory=dict)
    maximum: Mapping[str, float] = field(default_factory=dict)
    minimum: Mapping[str, float] = field(default_factory=dict)
    memory: dict[bytes, Mapping[str, float]] = field(default_factory=dict)
    many: Many | None = None

    def table(self, tree: Tree, codes: Codes, remember: bool = False) -> Mapping[str, Values]:
        """The costs of points by name. `remember` keeps them, for past trials."""
        if self.many:
            return self.many(tree.domains, codes)
        rows = [self._row(tree, code, remember) for code in codes]
        return {name: np.array([row[name] for row in rows], np.float64) for name in (rows[0] if rows else ())}

    def _row(self, tree: Tree, code: Codes, remember: bool) -> Mapping[str, float]:
        key = code.tobytes()
        if key in self.memory:
            return self.memory[key]
        row = self.cheap(tree.decode(code))
        if remember:
            self.memory[key] = row
        return row

    def within(self, table: Mapping[str, Values], count: int) -> NDArray[np.bool_]:
        """Which of `count` points keep every limit on a cost."""
        inside = np.ones(count, np.bool_)
        for name, limit in self.maximum.items():
            inside &= table[name] <= limit if name in table else True
        for name, limit in self.minimum.items():
            inside &= table[name] >= limit if name in table else True
        return inside
