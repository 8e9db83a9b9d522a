"""The networks of the front: a picture and the values of each, and two of them side by side."""

from nas.evaluation import units
from nas.files import Json
from nas.report.rendering import MAX_ROWS
from nas.report.view import View


def context(view: View) -> Json | None:
    """Return the rows of the table."""
    if not view.front:
        return None
    run, front = view.run, view.front
    columns = dict.fromkeys((*run.config.objectives, *(name for result in front for name in result.metrics)))
    shown = {name: view.unit(name, front) for name in columns}
    return {
        "front": front[:MAX_ROWS],
        "more": max(len(front) - MAX_ROWS, 0),
        "again": {name: values for name in columns if (values := run.front_values(name))},
        "limits": run.config.maximum,
        "least": run.config.minimum,
        "picked": view.picked.result,
        "designs": view.designs,
        "units": shown,
        "headings": {name: units.heading(name, unit.name) for name, unit in shown.items()},
    }
