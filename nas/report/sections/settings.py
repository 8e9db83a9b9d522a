"""Settings, versions, the command that repeats the search, and what to do next."""

from nas.files import Json, quoted
from nas.record.command import repeating, unsaid
from nas.record.run import Run
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
        "longer": _longer(run),
        "data": quoted(run.config.data),
        "first": run.config.objectives[0],
        "complete": bool(view.front),
    }


def _longer(run: Run) -> str:
    """Return the option by which a search goes on whose networks are all trained, or failed: else it would not."""
    done, of = len(run.spent), run.config.budget.trials
    return f" --budget {2 * done}" if of and done >= of else ""
