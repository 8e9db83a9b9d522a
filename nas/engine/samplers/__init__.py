"""Samplers, which choose the next architecture: each is an `optuna.samplers.BaseSampler`.

A file of this folder holds one, named like the file, or those that its `__all__` names: functions of a seed and the
problem.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isnan
from numbers import Real

import numpy as np
from numpy.typing import NDArray

from nas.errors import SettingError, brief
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

    Raises SettingError for what is no function, no number or no tuple of names where one belongs.
    """

    decide: Callable[[Choose], object] | None = None
    objectives: tuple[str, ...] = ()
    cheap: Callable[[Decisions], Mapping[str, float]] = _nothing
    table: Callable[[Mapping[str, Domain], NDArray[np.int32]], Mapping[str, NDArray[np.float64]]] | None = None
    maximum: Mapping[str, float] = field(default_factory=dict)
    minimum: Mapping[str, float] = field(default_factory=dict)
    known: Callable[[], Mapping[int, Sequence[float] | None]] = dict

    def __post_init__(self) -> None:
        if isinstance(self.objectives, str):  # whose letters would be taken for names
            raise SettingError(f"Problem: found objectives={brief(self.objectives)}; write names: ('accuracy', 'macs')")
        for name in ("decide", "cheap", "table", "known"):
            function = getattr(self, name)
            if function is not None and not callable(function):
                raise SettingError(f"Problem: found {name}={brief(function)}; write a function")
        for bound, limits in (("maximum", self.maximum), ("minimum", self.minimum)):
            for name, value in limits.items():
                if not isinstance(value, Real) or isnan(value):
                    raise SettingError(f"Problem: found {bound} of {name} {brief(value)}; write a number")
