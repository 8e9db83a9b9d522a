"""Objectives by name: the kinds of their folder, and the metrics of every task."""

from collections.abc import Iterable, Mapping
from functools import cache

from nas.evaluation.objectives import Candidate, Effort, Objective, Reading
from nas.registry import OBJECTIVES, TASKS
from nas.training.catalogue import check_objective, load_task
from nas.training.tasks import Metric


@cache
def objective(name: str) -> Objective:
    """The objective called `name`. Raises SettingError, with the nearest name, for an unknown one."""
    check_objective(name)
    if name in OBJECTIVES.names():
        found: Objective = OBJECTIVES.get(name)
        return found
    return next(_metric(name, metrics[name]) for metrics in _metrics() if name in metrics)


def objectives(names: Iterable[str]) -> dict[str, Objective]:
    """Objectives by name, each once."""
    return {name: objective(name) for name in names}


def _metrics() -> Iterable[Mapping[str, Metric]]:
    return (load_task(task).metrics for task in TASKS.names())


def _metric(name: str, metric: Metric) -> Objective:
    """A task's metric as an objective."""

    def measure(candidate: Candidate, effort: Effort) -> Reading:
        return Reading(candidate.metrics[name])

    return Objective(metric.goal, unit=metric.unit, share=metric.share, trained=True, measure=measure)
