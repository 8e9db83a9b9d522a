"""Trial and Further: one training each, as a line of JSON and back."""

import json
from dataclasses import dataclass, field
from typing import Annotated, TypeVar

from pydantic import AliasChoices, Field, PlainSerializer, PlainValidator, TypeAdapter

from nas.evaluation.job import Outcome, State
from nas.files import Json
from nas.network.architecture import Architecture
from nas.space.space import Decisions

Line = TypeVar("Line")
Decided = Annotated[Architecture, PlainValidator(Architecture.from_dict), PlainSerializer(Architecture.to_dict)]


@dataclass(frozen=True)
class Origin:
    """The trial of an earlier run that a trial was learnt from."""

    run: str
    number: int


@dataclass(frozen=True)
class Passed:
    """A proposal that became no trial: it `repeats` a network that another has, or breaks a limit."""

    decisions: Decisions
    repeats: bool


@dataclass(frozen=True)
class Trial:
    """One proposed architecture and what became of it.

    `decisions` are those of the space, in their order; `key` is the architecture's and `layout` its stages as letters,
    kept so that reading a record needs no block. `sampler` is what the sampler noted on the trial. `passed` are the
    proposals just before it that became no trial. `ended` is when it was written, in seconds of the search's own clock,
    which stops while no search runs.
    """

    number: int
    decisions: Decisions
    architecture: Decided
    key: str
    layout: str
    outcome: Outcome
    sampler: Json = field(default_factory=dict)
    ended: float = 0.0
    learnt_from: Origin | None = None
    passed: list[Passed] = field(default_factory=list)

    @property
    def state(self) -> State:
        """How it ended: complete, failed or rejected."""
        return self.outcome.state

    @property
    def metrics(self) -> dict[str, float]:
        """The value of every objective that was measured, in the objective's unit."""
        return self.outcome.metrics


@dataclass(frozen=True)
class Further:
    """A further training of a trial's architecture.

    With `repeat` 0 the trial's own one went on to a higher `rung`; from 1 it is another on the last rung, from a seed
    of its own.
    """

    trial: int
    repeat: int
    outcome: Outcome
    ended: float = 0.0
    rung: int = 0


_TRIAL, _FURTHER = TypeAdapter(Trial), TypeAdapter(Further)


def trial_line(trial: Trial) -> str:
    """A trial as one line of JSON. Raises ValueError for a number that is not finite."""
    return json.dumps(_TRIAL.dump_python(trial, mode="json"), allow_nan=False)


def further_line(further: Further) -> str:
    """A further training as one line of JSON. Raises as `trial_line`."""
    return json.dumps(_FURTHER.dump_python(further, mode="json"), allow_nan=False)


def read_trial(line: bytes) -> Trial:
    """The trial in a line. Raises ValueError for a line that holds none."""
    return _read(_TRIAL, line)


def further_of(line: bytes) -> Further:
    """The further training in a line. Raises ValueError for a line that holds none."""
    return _read(_FURTHER, line)


def _read(adapter: TypeAdapter[Line], line: bytes) -> Line:
    if b'"outcome"' in line:
        return adapter.validate_json(line, strict=True)
    return adapter.validate_json(json.dumps(modern(json.loads(line))), strict=True)


@dataclass(frozen=True)
class End:
    """What a list of runs needs of an outcome."""

    state: str
    metrics: dict[str, float]


@dataclass(frozen=True)
class Glance:
    """What a list of runs needs of a trial, or of a further training, of which `number` is the trial's."""

    outcome: End
    number: Annotated[int, Field(validation_alias=AliasChoices("number", "trial"))]
    repeat: int = 0
    rung: int = 0
    ended: float = 0.0

    @property
    def complete(self) -> bool:
        """Whether it came to its end."""
        return self.outcome.state == "complete"


_GLANCE = TypeAdapter(Glance)


def glance(line: bytes) -> Glance:
    """What a list of runs needs of a line of either kind. Raises ValueError for one that holds none."""
    return _read(_GLANCE, line)


OUTCOME = ("state", "metrics", "seconds", "reason")
NOTES, GONE = {"losses", "scores", "host", "lost"}, {"rungs", "expected"}


def modern(line: object) -> Json:
    """A line of version 0.1.0, in which the outcome's fields stood beside the trial's and `details` held the rest.

    Raises ValueError for anything else.
    """
    if not isinstance(line, dict):
        raise ValueError("not a line of a record")
    rest = dict(line)
    outcome = {name: rest.pop(name) for name in OUTCOME if name in rest}
    details = {name: value for name, value in dict(rest.pop("details", {})).items() if name not in GONE}
    outcome |= {name: details.pop(name) for name in NOTES & details.keys()}
    if "slot" in details:
        outcome["turn"] = details.pop("slot")
    if "learnt_from" in details:
        rest["learnt_from"] = details.pop("learnt_from")
    return rest | {"outcome": outcome | {"readings": details}}
