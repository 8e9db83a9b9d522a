"""Settings, versions, the command that repeats the search, and what to do next."""

from nas.files import Json, quoted
from nas.record.command import going_on, repeating, unsaid
from nas.report.rendering import flat, machines
from nas.report.view import View


def context(view: View) -> Json:
    """Return the settings, the environment, and the commands."""
    run = view.run
    return {
        "settings": flat(run.config.model_dump(mode="json")),
        "environment": machines(run.environment),
        "again": repeating(run),
        "unsaid": unsaid(run),
        "alone": run.config.workers == 1,
        "best": repr(str(run.folder / "best.yaml")),
        "target": quoted(run.folder),
        "going_on": going_on(run),
        "data": quoted(run.config.data),
        "first": run.config.objectives[0],
        "complete": bool(view.front),
    }
