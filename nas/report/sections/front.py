"""The front: every trial on a plane for each pair of objectives, and what the page's script needs to show a network."""

import json

import plotly.graph_objects as go
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from nas.evaluation.catalogue import objective
from nas.files import Json
from nas.report.collecting import collect
from nas.report.planes import Plane, planes
from nas.report.trial_data import trial_data
from nas.report.view import View


def context(view: View) -> Json | None:
    """Return the planes and the trials as data, once a network has been trained to the end."""
    if not view.front:
        return None
    drawn = {f"front-{i}" if i > 1 else "front": plane for i, plane in enumerate(planes(view), 1)}
    second = view.run.config.objectives[1]
    last = len(view.run.config.lengths) - 1
    return {
        "planes": [{"name": name, "up": plane.y.name, "across": plane.x.name} for name, plane in drawn.items()],
        "figures": _json([_figure(name, plane) for name, plane in drawn.items()]),
        "trials": _json(trial_data(view)),
        "second": second,
        "most": objective(second).goal == "minimize",
        "counts": {
            "below": sum(result.rung < last for result in view.run.results),
            "failed": len(view.failed),
            "rejected": len(view.rejected),
        },
        "unplaced": _unplaced(view),
        "designs": bool(view.designs),
    }


def _figure(name: str, plane: Plane) -> Json:
    """A plane as plain data, without its template, which is that of the reader's screen.

    Where the many dots are, the page knows from the values of the trials.
    """
    drawn, region = plane.figure(), {"x": plane.x.region(), "y": plane.y.region()}
    collect(drawn, name)
    collect(go.Figure(drawn).update_layout(xaxis_range=region["x"], yaxis_range=region["y"]), f"{name}-lens")
    figure: Json = json.loads(drawn.to_json())
    del figure["layout"]["template"]
    for trace in figure["data"]:
        if trace["meta"]["part"] in ("dots", "below"):
            del trace["x"], trace["y"]
    axes = [plane.x.name, plane.y.name]
    return {"name": name, "data": figure["data"], "layout": figure["layout"], "lens": region, "axes": axes}


def _unplaced(view: View) -> int:
    """The number of failed and rejected trials of which no objective is known."""
    ended = [*view.failed, *view.rejected]
    return sum(not set(view.run.config.objectives) & trial.metrics.keys() for trial in ended)


def _json(data: object) -> Markup:
    """Write data for a script of the page, so that no text in it ends the script."""
    return htmlsafe_json_dumps(data, separators=(",", ":"))
