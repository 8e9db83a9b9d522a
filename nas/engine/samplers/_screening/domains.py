"""The values that are tried of a parameter, in order, and the code of any value: 1 + its place among them, else 0."""

from bisect import bisect_left
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from fractions import Fraction
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from nas.space.slot import Domain

GRID = 101  # values tried of a number that has more
MOST_STEPS = 2.0**53  # of a float, which counts no further
NAN = object()  # stands for any NaN, which equals nothing

Code = Callable[[Any], int]


def domain(distribution: BaseDistribution) -> Domain:
    """The values that are tried of a parameter, in order."""
    if isinstance(distribution, CategoricalDistribution):
        return distinct(distribution.choices)
    if isinstance(distribution, IntDistribution):
        return _whole(distribution)
    assert isinstance(distribution, FloatDistribution)
    return _broken(distribution)


def _whole(distribution: IntDistribution) -> Domain:
    low, high, step = distribution.low, distribution.high, distribution.step
    count = (high - low) // step
    if distribution.log:
        grid = np.geomspace(float(low), float(high), GRID)
        return tuple(dict.fromkeys(min(max(round(v), low), high) for v in grid.tolist()))
    places = range(count + 1) if count < GRID else (round(Fraction(count * i, GRID - 1)) for i in range(GRID))
    return tuple(low + place * step for place in places)


def _broken(distribution: FloatDistribution) -> Domain:
    low, high, step = distribution.low, distribution.high, distribution.step
    share = np.linspace(0, 1, GRID)
    grid: NDArray[Any]
    if distribution.log:
        grid = np.geomspace(low, high, GRID)
    elif step:
        count = round(min((high - low) / step, MOST_STEPS))
        grid = low + step * (np.arange(count + 1) if count < GRID else np.round(share * count))
    else:
        grid = low * (1 - share) + high * share  # their difference may overflow
    return tuple(float(v) for v in np.unique(np.clip(grid, low, high)))


def distinct(choices: Sequence[Any]) -> Domain:
    """Choices that Optuna can tell apart: of equal ones, as 1 and True are, the first."""
    code = code_of(choices)
    return tuple(choice for i, choice in enumerate(choices, 1) if code(choice) == i)


def code_of(choices: Sequence[Any]) -> Code:
    """The code of any object by the place of the first choice that equals it, as in Optuna, NaN being one choice."""
    known: dict[Hashable, int] = {}
    others: list[tuple[Any, int]] = []
    for code, choice in enumerate(choices, 1):
        try:
            known.setdefault(_key(choice), code)
        except TypeError:  # a list, a dict ...
            others.append((choice, code))

    def place(value: Any) -> int:
        with suppress(TypeError):
            if code := known.get(value):
                return code
        if _key(value) is NAN:
            return known.get(NAN, 0)
        return next((code for choice, code in others if choice is value or choice == value), 0)

    return place


def _key(value: Any) -> Any:
    return NAN if isinstance(value, Real) and value != value else value


def nearest(grid: Domain) -> Code:
    """The code of a number by the value of the grid that is nearest to it."""
    values: tuple[Any, ...] = grid

    def place(value: Any) -> int:
        try:
            at = min(bisect_left(values, value), len(values) - 1)
        except TypeError:  # no number, as somebody fixed it
            return 0
        return at if at and value - values[at - 1] <= values[at] - value else at + 1

    return place


def coder(distribution: BaseDistribution, values: Domain) -> Code:
    """The code of a parameter's values among those that are tried of it."""
    return code_of(values) if isinstance(distribution, CategoricalDistribution) else nearest(values)


def ordered(values: Domain) -> bool:
    """Whether values are numbers."""
    return all(isinstance(v, Real) and not isinstance(v, bool) and v == v for v in values)
