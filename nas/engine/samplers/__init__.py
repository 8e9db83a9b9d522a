"""How to choose the next architecture: samplers, each an `optuna.samplers.BaseSampler` made from a seed.

A file of this folder holds one, called like the file, or those that its `__all__` names: functions of a seed and of the
problem.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from nas.space.space import Choose, Decisions


def _nothing(_: Decisions) -> dict[str, float]:
    return {}


@dataclass(frozen=True)
class Problem:
    """What is searched. Every part may be left out; a sampler may use it or not.

    `decide(choose)` walks the space and asks `choose(name, values)` for each decision that arises, as
    `SearchSpace.decide` does; without it the space is learnt from the trials. `cheap` gives, by name, what is known of
    an architecture without training it; `objectives` names the study's, in order, so that those among the cheap are
    known exactly. `maximum` and `minimum` are limits on cheap values.
    """

    decide: Callable[[Choose], object] | None = None
    objectives: tuple[str, ...] = ()
    cheap: Callable[[Decisions], Mapping[str, float]] = _nothing
    maximum: Mapping[str, float] = field(default_factory=dict)
    minimum: Mapping[str, float] = field(default_factory=dict)
