"""Settings, versions, and what to do next."""

from nas.files import Json, quoted
from nas.report.rendering import flat, machines
from nas.report.view import View


def context(view: View) -> Json:
    """Return the settings, the environment, and the quoted names that the commands need."""
    run = view.run
    return {
        "settings": flat(run.config.model_dump(mode="json")),
        "environment": machines(run.environment),
        "target": quoted(run.folder),
        "data": quoted(run.config.data),
        "first": run.config.objectives[0],
        "complete": bool(view.front),
    }
