"""Settings, versions, the command that repeats the search, and what to do next."""

from nas.evaluation.catalogue import objective
from nas.evaluation.units import words
from nas.files import Json, quoted
from nas.record.command import going_on, repeating, resumed, unsaid
from nas.record.folders import PICKED
from nas.record.listing import is_calibration
from nas.report.rendering import flat, machines
from nas.report.view import View


def _another(view: View, objective: str) -> bool:
    """Whether the best network in an objective is another than the one picked."""
    return bool(view.front) and view.run.pick(objective).number != view.picked.result.number


def context(view: View) -> Json:
    """Return the settings, the environment, and the commands."""
    run = view.run
    return {
        "settings": flat(run.config.model_dump(mode="json")),
        "environment": machines(run.environment),
        "again": repeating(run),
        "what": "calibration" if is_calibration(run) else "search",
        "resumed": resumed(run),
        "unsaid": unsaid(run),
        "alone": run.config.workers == 1,
        "timed": [words(name) for name in run.config.objectives if objective(name).timed],
        "best": repr(str(run.folder / PICKED)),
        "target": quoted(run.folder),
        "going_on": going_on(run),
        "data": quoted(run.config.data),
        "other": next((name for name in run.config.objectives if _another(view, name)), None),
        "complete": bool(view.front),
    }
