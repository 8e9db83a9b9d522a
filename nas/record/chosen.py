"""What networks chose, by the value that is decided: one `stages.0.width` of all blocks, whatever narrowed the choice.

A space names a decision by what narrows it too (`stages.0.moat.width`), so that a name always offers the same values.
Who reads a table or a figure asks for the width of a stage.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache

from nas.network.architecture import OWN, Architecture, Decision, StageSpec
from nas.network.options import Scalar
from nas.record.trial import Trial
from nas.space.space import Decisions, placed


def decided(trials: Iterable[Trial]) -> list[str]:
    """Name the values that trials decided, in the order in which they first come."""
    return list(dict.fromkeys(_value_of(name) for trial in trials for name in trial.decisions))


def chosen(trial: Trial, names: Iterable[str]) -> Decisions:
    """Return a network's values of these names, also where one of its kinds left no choice, without those it lacks."""
    network, stages = trial.architecture, placed(trial.decisions, trial.architecture)
    values = {name: _value(network, stages, Decision.parse(name)) for name in names}
    return {name: value for name, value in values.items() if value is not None}


@cache
def _value_of(name: str) -> str:
    """Name the value of a decision: its kind stays in the name of an option, and nothing that narrowed it else."""
    one = Decision.parse(name)
    return str(replace(one, given=() if one.field in OWN.get(one.part, ()) else one.given[:1]))


def _value(network: Architecture, stages: Mapping[int, StageSpec], asked: Decision) -> Scalar | None:
    if asked.part == "resolution":
        return network.resolution
    part = stages.get(asked.stage) if asked.part == "stages" else network.stem if asked.part == "stem" else network.head
    if part is None:
        return 0 if asked.field == "depth" else None
    if asked.given:
        kind = part.block if isinstance(part, StageSpec) else part.kind
        return part.options.get(asked.field) if asked.given == (kind,) else None
    own: Scalar = getattr(part, asked.field)
    return own
