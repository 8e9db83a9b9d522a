"""Samplers, which choose the next architecture: each is an `optuna.samplers.BaseSampler`.

A file of this folder holds one, named like the file, or those that its `__all__` names: functions of a seed and the
problem.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from nas.space.slot import Domain
from nas.space.space import Choose, Decisions


def _nothing(_: Decisions) -> dict[str, float]:
    return {}


@dataclass(frozen=True)
class Problem:
    """The problem that a sampler solves. Every part may be left out.

    `decide(choose)` walks the space and asks `choose(name, values)` for each decision that arises, as
    `SearchSpace.decide` does; trials are then to suggest all as categorical, among these values. Without it the space
    is learnt from the trials. `cheap` gives the costs of an architecture by name, known exactly without training, and
    `table(domains, codes)` those of many at once: each is a row of codes, 1 + the place of a decision's value in its
    domain, 0 where it does not arise. `objectives` names the study's, in order, so that those among the costs are not
    modelled. `maximum` and `minimum` are limits on costs. `known()` gives the values of trials of which more is known
    by now than the study was told, by their numbers, None for one that failed since.
    """

    decide: Callable[[Choose], object] | None = None
    objectives: tuple[str, ...] = ()
    cheap: Callable[[Decisions], Mapping[str, float]] = _nothing
    table: Callable[[Mapping[str, Domain], NDArray[np.int32]], Mapping[str, NDArray[np.float64]]] | None = None
    maximum: Mapping[str, float] = field(default_factory=dict)
    minimum: Mapping[str, float] = field(default_factory=dict)
    known: Callable[[], Mapping[int, Sequence[float] | None]] = dict
