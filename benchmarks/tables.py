"""Tables to play a search on: every architecture of a space, or a fitted model of it, with its measured objectives.

A table is a YAML file:

- `csv`: a file beside it with a row per architecture (a grid: every combination of the decisions' values exists), or
  `quadratic`: an `.npz` with a fitted model for spaces too large for a table. With x the decisions' values,
  y = bias + x . linear + x' . quadratic . x, from the arrays `COLUMN_bias`, `COLUMN_linear`, `COLUMN_quadratic`;
- `decisions`: each decision's column and its values;
- `objectives`: by name `column`, `direction`, `cheap` (may be looked up for any candidate), `reference` (the point
  beyond which nothing counts), `ideal`, `unit`; `log: true` means that a model gives the logarithm;
- `best_hypervolume`: of the true front, each objective scaled to u = (ideal - value) / (ideal - reference): the volume
  dominated within the unit box.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Annotated, Any, Literal
from zipfile import BadZipFile

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError, model_validator

from nas import document, pareto
from nas.errors import SettingError
from nas.space.slot import Domain
from nas.space.space import Choose, Decisions

Values = NDArray[np.float64]


class Goal(BaseModel):
    """One objective of a table."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: str
    direction: Literal["maximize", "minimize"]
    reference: FiniteFloat
    ideal: FiniteFloat
    cheap: bool = False
    log: bool = False
    unit: str = ""

    @model_validator(mode="after")
    def _ideal_is_better(self) -> "Goal":
        if self.ideal == self.reference or (self.ideal > self.reference) != (self.direction == "maximize"):
            raise ValueError(f"the ideal {self.ideal:g} is not better than the reference {self.reference:g}")
        return self


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    csv: str | None = None
    quadratic: str | None = None
    decisions: Annotated[dict[str, tuple[bool | int | float | str, ...]], Field(min_length=1)]
    objectives: Annotated[dict[str, Goal], Field(min_length=2)]
    best_hypervolume: Annotated[FiniteFloat, Field(gt=0)]

    @model_validator(mode="after")
    def _one_source(self) -> "_File":
        if (self.csv is None) == (self.quadratic is None):
            raise ValueError("write either csv or quadratic")
        for name, values in self.decisions.items():
            if not values or len(set(values)) < len(values):
                raise ValueError(f"decisions.{name}: needs values, each once")
        return self


@dataclass(frozen=True)
class Table:
    """A space whose every architecture has known objectives; `measure` gives them in the order of `goals`."""

    name: str
    decisions: Mapping[str, Domain]
    goals: Mapping[str, Goal]
    best_hypervolume: float
    measure: Callable[[Decisions], Values]

    @property
    def maximize(self) -> list[bool]:
        """Per objective, whether more is better."""
        return [goal.direction == "maximize" for goal in self.goals.values()]

    def decide(self, choose: Choose) -> Decisions:
        """Asks for every decision, as a search space does."""
        return {name: choose(name, values) for name, values in self.decisions.items()}

    def cheap(self, decisions: Decisions) -> dict[str, float]:
        """The objectives that cost nothing, by name."""
        values = zip(self.goals.items(), self.measure(decisions), strict=True)
        return {name: float(value) for (name, goal), value in values if goal.cheap}

    def share(self, points: Values) -> float:
        """The hypervolume of points `(points, objectives)` as a share of the table's best."""
        ideal = np.array([goal.ideal for goal in self.goals.values()])
        reference = np.array([goal.reference for goal in self.goals.values()])
        loss = np.clip((ideal - points) / (ideal - reference), 0, None)
        ones = [1.0] * len(ideal)
        return pareto.hypervolume(loss, ones, [False] * len(ideal)) / self.best_hypervolume


def read(path: Path) -> Table:
    """The table in a file. Raises SettingError, with the file and the key, for one that is not as described."""
    data = document.read(path).value
    try:
        file = _File.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise SettingError(f"{path}: {key + ': ' if key else ''}{first['msg'].removeprefix('Value error, ')}") from None
    source = path.parent / (file.csv or file.quadratic or "")
    measure = _measured if file.csv else _modelled
    return Table(path.stem, file.decisions, file.objectives, file.best_hypervolume, measure(source, file))


def _measured(path: Path, file: _File) -> Callable[[Decisions], Values]:
    """Look-up in a file of comma-separated values."""
    try:
        frame = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise SettingError(f"{path}: cannot be read ({error})") from None
    columns = [goal.column for goal in file.objectives.values()]
    if missing := [c for c in (*file.decisions, *columns) if c not in frame]:
        raise SettingError(f"{path}: has no column '{missing[0]}'; it has {', '.join(frame.columns)}")
    try:
        values = frame[columns].to_numpy(np.float64)
    except ValueError as error:
        raise SettingError(f"{path}: an objective is no number ({error})") from None
    known = dict(zip(frame[list(file.decisions)].itertuples(index=False, name=None), values, strict=True))
    if len(known) < len(frame):
        raise SettingError(f"{path}: {len(frame) - len(known)} rows describe an architecture that has a row already")
    _check_grid(path, file, known)
    return lambda decisions: known[tuple(decisions[name] for name in file.decisions)]


def _check_grid(path: Path, file: _File, known: Mapping[tuple[Any, ...], Values]) -> None:
    offered = [set(values) for values in file.decisions.values()]
    inside = [
        values
        for row, values in known.items()
        if all(value in domain for value, domain in zip(row, offered, strict=True))
    ]
    size = prod(map(len, offered))
    if len(inside) < size:
        raise SettingError(f"{path}: {size:,} architectures are described, {size - len(inside):,} of them have no row")
    if not np.isfinite(inside).all():
        raise SettingError(f"{path}: an objective of an architecture is missing or not finite")


def _modelled(path: Path, file: _File) -> Callable[[Decisions], Values]:
    """The value of a fitted quadratic model."""
    count = len(file.decisions)
    try:
        with np.load(path) as arrays:
            terms = [
                (
                    float(arrays[f"{goal.column}_bias"]),
                    np.asarray(arrays[f"{goal.column}_linear"], np.float64).reshape(count),
                    np.asarray(arrays[f"{goal.column}_quadratic"], np.float64).reshape(count, count),
                )
                for goal in file.objectives.values()
            ]
    except (OSError, ValueError, KeyError, TypeError, BadZipFile) as error:
        raise SettingError(f"{path}: is no model of {count} decisions ({error})") from None
    logarithmic = np.array([goal.log for goal in file.objectives.values()])

    def measure(decisions: Decisions) -> Values:
        x = np.array([decisions[name] for name in file.decisions], np.float64)
        y = np.array([bias + x @ linear + x @ quadratic @ x for bias, linear, quadratic in terms])
        return np.where(logarithmic, np.exp(np.where(logarithmic, y, 0)), y)

    return measure
