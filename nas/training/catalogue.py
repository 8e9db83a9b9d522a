"""Tasks by name, and the names of all objectives of a search.

Tasks of packages are imported only where a name is none of an objective or of a task at hand.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from nas.errors import DataError, SettingError, SpaceError, told_as
from nas.registry import HEADS, OBJECTIVES, OURS, TASKS, suggest
from nas.training.tasks import Metric, Predictions, Task

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Redrawn = Callable[[NDArray[np.int64]], float]

COLUMNS = ("number", "state", "on_front", "rung", "trainings", "layout", "key", "seconds", "reason")
"""The columns that a table of trials has beside objectives."""
TAKEN = (*COLUMNS, "all", "knee")
"""The names that no objective may have: of columns, of all limits together, of the rule that picks a network."""


def load_task(name: str) -> Task:
    """Return the task called `name`. Raises SettingError, with the nearest name, for an unknown one."""
    found: Task = TASKS.get(name)
    return found if TASKS.origin(name) == OURS else _telling(found, name)


def _telling(found: Task, name: str) -> Task:
    """Let a task from outside tell which of its functions failed."""
    ours = f"task '{name}'"
    return replace(
        found,
        loss=told_as(f"loss(outputs, targets, label_smoothing) of {ours}")(found.loss),
        follow=found.follow and told_as(f"follow(targets, moves) of {ours}")(found.follow),
        drawn=told_as(f"drawn(images, classes, generator) of {ours}")(found.drawn),
        metrics={each: _telling_metric(one, f"metric '{each}' of {ours}") for each, one in found.metrics.items()},
    )


def _telling_metric(found: Metric, ours: str) -> Metric:
    """Let a metric from outside do the same."""
    return replace(
        found,
        compute=told_as(f"compute(predictions) of {ours}")(found.value),
        redrawn=found.redrawn and _telling_redrawn(found.redrawn, ours),
        guess=found.guess and told_as(f"guess(classes) of {ours}")(found.guess),
    )


def _telling_redrawn(redrawn: "Callable[[Predictions], Redrawn]", ours: str) -> "Callable[[Predictions], Redrawn]":
    """Let what a metric has for images that are drawn again do the same, and the function that it makes."""

    @told_as(f"redrawn(predictions) of {ours}")
    def telling(predictions: Predictions) -> "Redrawn":
        computed = redrawn(predictions)
        return told_as(f"redrawn(predictions)(rows) of {ours}")(lambda rows: float(computed(rows)))

    return telling


def task_of(outputs: str) -> str:
    """Name the first task at hand whose networks give such outputs, or classification where there is none."""
    return next((name for name in TASKS.at_hand() if load_task(name).outputs == outputs), "classification")


def task_of_head(kind: str) -> str:
    """Name the first task at hand that networks with such a head are for. Raises SettingError for an unknown head."""
    return task_of(HEADS.get(kind).outputs)


def check_head(task: str, kind: str) -> None:
    """Raise SpaceError, with the heads and the tasks that fit, unless a head gives what a task needs."""
    given, needed = HEADS.get(kind).outputs, load_task(task).outputs
    if given != needed:
        heads = [name for name in HEADS.at_hand() if HEADS.get(name).outputs == needed]
        others = [f"--task {name}" for name in TASKS.at_hand() if load_task(name).outputs == given]
        raise SpaceError(f"head '{kind}' gives {given}; the task {task} needs {needed}: "
                         f"{', or '.join([', '.join(heads), *others])}")  # fmt: skip


def check_targets(task: str, data: str, targets: str, head: str = "") -> None:
    """Raise DataError, with what fits, unless data hold the targets that a task needs.

    Where the `head` is given already, tasks that need another are not offered.
    """
    needed = load_task(task).targets
    if targets == needed:
        return
    fitting = {name: load_task(name).outputs for name in TASKS.at_hand() if load_task(name).targets == targets}
    heads = {name: [h for h in HEADS.at_hand() if HEADS.get(h).outputs == given] for name, given in fitting.items()}
    ways = [f"write --task {name} (heads: {', '.join(kinds)})" for name, kinds in heads.items()]
    if head:
        ways = [f"write --task {name}" for name, kinds in heads.items() if head in kinds]
        ways = ways or [f"train a network with another head ({', '.join(kinds)})" for kinds in heads.values()]
    raise DataError(f"data set '{data}' holds {targets}; this task needs {needed}: "
                    f"{', or '.join([*ways, 'name other data'])}")  # fmt: skip


def check_metrics(task: str, names: Iterable[str], classes: int) -> None:
    """Raise SettingError where one of some objectives is a metric that says nothing of data with so many classes."""
    every, telling = load_task(task).metrics, load_task(task).among(classes).metrics
    for name in names:
        if name in every and name not in telling:
            raise SettingError(f"{name}: says nothing of data with {classes} classes; write {' or '.join(telling)}")


def objective_names(task: str = "") -> list[str]:
    """Return the names that a search may weigh: the kinds of objectives, and the metrics of a task, or of every one."""
    learnt = [load_task(task)] if task else tasks()
    return sorted({*OBJECTIVES.names(), *(name for one in learnt for name in one.metrics)})


def tasks() -> Iterator[Task]:
    """Yield the tasks that can be imported, those of packages last."""
    at_hand = TASKS.at_hand()
    for name in at_hand:
        yield load_task(name)
    for name in TASKS.names():
        with suppress(SettingError):
            if name not in at_hand:
                yield load_task(name)


def check_metrics_alike(name: str) -> None:
    """Raise SettingError where a metric of a task is called like another task's and means something else."""
    for metric, own in load_task(name).metrics.items():
        for other in TASKS.at_hand():
            theirs = load_task(other).metrics.get(metric)
            if theirs and (theirs.goal, theirs.share, theirs.unit) != (own.goal, own.share, own.unit):
                raise SettingError(f"task '{name}': the task {other} has a metric '{metric}' of another goal, share or "
                                   "unit; rename it")  # fmt: skip


def check_objective(name: str, offered: Sequence[str] = ()) -> None:
    """Raise SettingError, with the nearest name of those `offered` or of all, unless a search may weigh `name`."""
    if name in TAKEN and name in objective_names():
        raise SettingError(f"objective '{name}': the name is taken, as are {', '.join(TAKEN)}; rename the objective")
    metric = any(name in load_task(task).metrics for task in TASKS.at_hand())
    if name in OBJECTIVES.names():
        OBJECTIVES.check(name)
        if metric:
            raise SettingError(f"objective '{name}' of {OBJECTIVES.origin(name)}: a task has a metric of that name; "
                               "rename the objective")  # fmt: skip
    elif not metric and name not in objective_names():
        allowed = suggest(name, offered or objective_names(), OBJECTIVES.label)
        raise SettingError(f"unknown objective '{name}'. {allowed}")


def check_limit(name: str) -> None:
    """Raise SettingError as `check_objective` does, offering no metric, which is known only after training."""
    check_objective(name, OBJECTIVES.names())
