"""Objectives: the quantities that networks are compared by, each with all that belongs to it.

A file of this folder holds one objective, named like the file, or those that its `__all__` names. The metrics of the
tasks are objectives too, known only after training. Files import torch inside their functions only, so that reading a
run needs no torch.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic_core import to_jsonable_python

from nas.errors import SettingError, brief, told_as
from nas.files import Json
from nas.network.architecture import Architecture
from nas.settings import plain
from nas.training.tasks import Task, check_goal

if TYPE_CHECKING:
    from nas.costs.deployment import Deployment
    from nas.costs.latency.predictor import Predictor
    from nas.network.build import Network
    from nas.network.pieces import Piece

Values = NDArray[np.float64]
Effort = Literal["glance", "search", "full"]
"""How long a measurement may take: for one of a space's many networks, for a trial, for the final front."""


@dataclass(frozen=True)
class Conditions:
    """The conditions that all candidates of a search share.

    `deployment` is where the networks will run (None: on a device that is elsewhere), `predictor` predicts their
    milliseconds there; `batch_size` is that of a training step of the `task`.
    """

    deployment: "Deployment | None" = None
    predictor: "Predictor | None" = None
    throughput_batch: int = 32
    batch_size: int = 16
    task: Task | None = None


@dataclass(frozen=True)
class Candidate:
    """One architecture as objectives see it: decided, then built (`network`), then trained (`metrics`, by name)."""

    architecture: Architecture
    conditions: Conditions = field(default_factory=Conditions)
    network: "Network | None" = None
    metrics: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Reading:
    """A value in the objective's unit, with details of its measurement as plain data.

    Numbers and arrays of NumPy and PyTorch become Python's. Raises TypeError for what is no number, and for details
    that are no mapping or that JSON cannot hold.
    """

    value: float
    details: Json = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", number(self.value))
        if not isinstance(self.details, Mapping):
            raise TypeError(f"details: found {brief(self.details)}; write them by their names")
        object.__setattr__(self, "details", to_jsonable_python(self.details, fallback=_listed, inf_nan_mode="null"))


def number(value: object) -> float:
    """Return a number, perhaps NumPy's or PyTorch's, as Python's. Raises TypeError for anything else."""
    found = value if isinstance(value, int | float) else plain(value)
    with suppress(OverflowError):
        if isinstance(found, int | float):
            return float(found)
    raise TypeError(f"found {brief(value)}; write a number")


def _listed(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"details: found {brief(value)}; write what JSON can hold")


CANDIDATE = f"A Candidate has {', '.join(one.name for one in fields(Candidate))}"
CONDITIONS = f"Conditions have {', '.join(one.name for one in fields(Conditions))}"


class Sum(Protocol):
    """A value known from the decisions as a sum over a network's pieces, so that thousands are told at once."""

    def predict(self, architecture: Architecture) -> float:
        """The value of one network."""

    def shares(self, pieces: "Sequence[Piece]") -> Values:
        """What each piece adds `(pieces,)`."""

    def total(self, sums: Values) -> Values:
        """The values of networks, given the sums over their pieces."""


@dataclass(frozen=True)
class Objective:
    """A quantity to maximise or minimise, and how its value is found.

    `known(candidate)` gives the value from the decisions alone, or None where it cannot, alike for all networks of a
    space; within a millisecond unless `slow`. One that adds up over pieces says so by `adds(conditions)` instead.
    `measure(candidate, effort)` reads it from a built network; without it, the decisions always tell the value.
    `trained` ones are known only after training, `predictable` ones at once where the search has a predictor.

    `noted` ones are recorded for every trial, `surveyed` ones listed in the table of a space. `timed` ones are measured
    while other workers of the machine stand still, and hold for one device only. `doubt` is the share by which nine
    values of ten at most exceed what was known beforehand. `remeasured(details)` says whether to read a value of the
    final front again with full effort. `like` names an objective that is known at once and smallest where this one is
    best.
    `missing` says why it cannot be measured where networks will run, or gives an empty text.

    `title` heads a column; a `share` is shown in percent, any other value in its `unit`. `name` is filled
    in where it is found by name.
    """

    goal: Literal["maximize", "minimize"]
    unit: str = ""
    title: str = ""
    share: bool = False
    trained: bool = False
    known: Callable[[Candidate], float | None] | None = None
    adds: Callable[[Conditions], Sum | None] | None = None
    measure: Callable[[Candidate, Effort], Reading] | None = None
    slow: bool = False
    noted: bool = False
    surveyed: bool = False
    timed: bool = False
    predictable: bool = False
    doubt: Callable[[Conditions], float] = lambda conditions: 0.0
    remeasured: Callable[[Json], bool] = lambda details: False
    like: str = ""
    missing: "Callable[[Deployment | None], str]" = lambda deployment: ""
    name: str = ""

    def __post_init__(self) -> None:
        check_goal(self.goal)
        if self.trained and not self.measure:
            raise SettingError("a trained objective is read after its training: write measure(candidate, effort) that "
                               "returns a Reading")  # fmt: skip
        if self.trained and self.noted:
            raise SettingError("noted: a trained objective is recorded where it is weighed; leave noted out")
        for name in ("unit", "title"):
            if not isinstance(value := getattr(self, name), str):
                raise SettingError(f"{name}: found {brief(value)}; write a text")

    @property
    def words(self) -> str:
        """The objective, as messages call it."""
        return f"objective '{self.name}'" if self.name else "an objective"

    @property
    def sign(self) -> int:
        """1 where more is better, -1 where less is."""
        return 1 if self.goal == "maximize" else -1

    def tell(self, candidate: Candidate) -> float | None:
        """The value from the decisions alone, or None. Raises SettingError, with the line, where finding it fails."""
        if self.known:
            with told_as(f"known(candidate) of {self.words}", CANDIDATE):
                value = self.known(candidate)
            return value if value is None else self._number(value, "known(candidate)")
        found = self.summed(candidate.conditions)
        return self._number(found.predict(candidate.architecture), "predict(architecture)") if found else None

    def _number(self, value: object, hook: str) -> float:
        try:
            found = number(value)
        except TypeError as error:
            raise SettingError(f"{hook} of {self.words}: {error}") from None
        if np.isnan(found):
            raise SettingError(f"{hook} of {self.words}: found {found}; write a number")
        return found

    def summed(self, conditions: Conditions) -> Sum | None:
        """What `adds` gives, or None. Raises SettingError, with the line, where it or a method of it fails."""
        if not self.adds:
            return None
        with told_as(f"adds(conditions) of {self.words}", CONDITIONS):
            found = self.adds(conditions)
        return _Told(self, found) if found else None

    def read(self, candidate: Candidate, effort: Effort = "search") -> Reading:
        """The value of a candidate that is built or, for a trained objective, trained.

        Raises SettingError where there is none.
        """
        if self.measure:
            found = self.measure(candidate, effort)
            if not isinstance(found, Reading):
                raise SettingError(f"measure(candidate, effort) of {self.words}: found {brief(found)}; write a Reading")
            return found
        value = self.tell(candidate)
        if value is None:
            raise SettingError(f"{self.words}: is neither told by its `known` or `adds` nor measured by a `measure`")
        return Reading(value)


@dataclass(frozen=True)
class _Told:
    """A sum whose failures are told by its objective."""

    objective: Objective
    found: Sum

    def predict(self, architecture: Architecture) -> float:
        with told_as(f"predict(architecture) of {self.objective.words}"):
            return self.found.predict(architecture)

    def shares(self, pieces: "Sequence[Piece]") -> Values:
        with told_as(f"shares(pieces) of {self.objective.words}"):
            return _numbers(self.found.shares(pieces), len(pieces))

    def total(self, sums: Values) -> Values:
        with told_as(f"total(sums) of {self.objective.words}"):
            return _numbers(self.found.total(sums), len(sums))


def _numbers(found: object, count: int) -> Values:
    """Return so many numbers as an array. Raises TypeError for anything else."""
    array = np.asarray(found)
    if array.shape != (count,) or array.dtype.kind not in "biuf" or np.isnan(array).any():
        raise TypeError(f"found {brief(found)}; write an array of {count} numbers")
    return np.asarray(array, np.float64)
