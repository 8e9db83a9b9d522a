"""Objectives by name: the kinds of their folder, and the metrics of every task."""

from collections.abc import Iterable
from dataclasses import replace
from functools import cache

from nas.errors import SettingError, told_as
from nas.evaluation.objectives import CANDIDATE, CONDITIONS, Candidate, Effort, Objective, Reading, number
from nas.registry import OBJECTIVES, OURS, suggest
from nas.training.catalogue import check_objective, tasks
from nas.training.tasks import Metric


@cache
def objective(name: str) -> Objective:
    """The objective called `name`. Raises SettingError, with the nearest name, for an unknown one."""
    check_objective(name)
    if name in OBJECTIVES.names():
        found: Objective = replace(OBJECTIVES.get(name), name=name)
        return found if OBJECTIVES.origin(name) == OURS else _telling(found)
    return next(_metric(name, task.metrics[name]) for task in tasks() if name in task.metrics)


def objectives(names: Iterable[str]) -> dict[str, Objective]:
    """Objectives by name, each once."""
    return {name: objective(name) for name in names}


def _telling(found: Objective) -> Objective:
    """Let an objective from outside tell which of its functions failed. Raises SettingError for a `like` of none."""
    if found.like and found.like not in (names := OBJECTIVES.names()):
        raise SettingError(f"like of {found.words}: found '{found.like}'. {suggest(found.like, names)}")
    return replace(
        found,
        measure=found.measure and told_as(f"measure(candidate, effort) of {found.words}", CANDIDATE)(found.measure),
        doubt=told_as(f"doubt(conditions) of {found.words}", CONDITIONS)(
            lambda conditions: number(found.doubt(conditions))
        ),
        remeasured=told_as(f"remeasured(details) of {found.words}")(found.remeasured),
        missing=told_as(f"missing(deployment) of {found.words}")(found.missing),
    )


def _metric(name: str, metric: Metric) -> Objective:
    """A task's metric as an objective."""

    def measure(candidate: Candidate, effort: Effort) -> Reading:
        return Reading(candidate.metrics[name])

    return Objective(metric.goal, metric.unit, metric.title, metric.share, trained=True, measure=measure)
