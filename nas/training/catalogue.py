"""Tasks by name, and the names of all objectives of a search."""

from nas.errors import SettingError
from nas.registry import OBJECTIVES, TASKS, suggest
from nas.training.tasks import Task


def load_task(name: str) -> Task:
    """Return the task called `name`. Raises SettingError, with the nearest name, for an unknown one."""
    found: Task = TASKS.get(name)
    return found


def objective_names() -> list[str]:
    """Return the names that a search may weigh: the kinds of objectives, and the metrics of every task."""
    return sorted({*OBJECTIVES.names(), *(name for task in TASKS.names() for name in load_task(task).metrics)})


def check_objective(name: str) -> None:
    """Raise SettingError, with the nearest name, unless `name` is one that a search may weigh."""
    if name not in objective_names():
        raise SettingError(f"unknown objective '{name}'. {suggest(name, objective_names())}")
