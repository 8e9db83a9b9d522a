"""The report: a page that holds all it needs, beside the table and the architectures."""

import shlex
from collections.abc import Mapping
from importlib.resources import files as resources
from pathlib import Path
from typing import Any

import jinja2
import plotly.graph_objects as go
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from nas import files
from nas.errors import SettingError
from nas.evaluation import units
from nas.record.results import Result, flattery
from nas.record.run import Run
from nas.report import figures
from nas.report.export import write_architectures

MAX_ROWS = 500  # of a table on the page; trials.csv has them all
Context = dict[str, Any]
"""Names that the page's template reads."""


def write_report(run: Run) -> Path:
    """Write the page, the table and the architectures, and return the page's path.

    Raises SettingError when the run's folder cannot be written.
    """
    page = run.folder / "report.html"
    try:
        files.write(run.folder / "trials.csv", run.to_frame().to_csv(index=False))
        write_architectures(run)
        files.write(page, render(run))
    except OSError as error:
        raise SettingError(f"{error.filename or run.folder}: cannot be written ({error.strerror})") from None
    return page


def render(run: Run) -> str:
    """Render the page with everything it needs inside, so that it opens offline."""
    folder = resources("nas.report") / "templates"
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    environment.globals.update(
        {name: getattr(units, name) for name in ("show", "show_difference", "title", "words", "percent")}
    )
    template = environment.from_string((folder / "report.html").read_text(encoding="utf-8"))
    return template.render(
        run=run,
        style=Markup((folder / "report.css").read_text(encoding="utf-8")),
        **_summary(run),
        **(_shown(run) if run.results else {}),
        failed=[t for t in run.trials if t.state == "failed"][:MAX_ROWS],
        settings=_flat(run.config.model_dump(mode="json")),
        environment=_flat(run.environment),
        command_target=shlex.quote(str(run.folder)),
        max_rows=MAX_ROWS,
    )


def _summary(run: Run) -> Context:
    """The numbers of the first paragraph."""
    states = [t.state for t in run.trials]
    return {
        "trained": len(run.spent),
        "complete": len(run.results),
        "failures": states.count("failed"),
        "rejections": states.count("rejected"),
        "pruned": states.count("pruned"),
        "took": units.duration(run.elapsed),
        "time": units.duration(run.seconds),
    }


def _shown(run: Run) -> Context:
    """The front, the knee and the charts, once an architecture has been trained to the end."""
    front, colours, knee = run.front(), figures.colours(run), run.pick("knee")
    columns = dict.fromkeys((*run.config.objectives, *(name for result in front for name in result.metrics)))
    shown = {name: units.unit_of(name, [r.metrics[name] for r in front if name in r.metrics]) for name in columns}
    first = run.config.objectives[0]
    return {
        "plotlyjs": Markup(get_plotlyjs()),
        "front_chart": _embed(figures.front_figure(run), "front"),
        "composition_chart": _embed(figures.composition_figure(run), "composition"),
        "progress_chart": _embed(figures.progress_figure(run), "progress"),
        "front": front[:MAX_ROWS],
        "front_size": len(front),
        "confirmed": _confirmed(run),
        "again": {name: values for name in columns if (values := run.front_values(name))},
        "predicted": run.predictor_error,
        "limits": run.config.maximum,
        "best": run.pick(first),
        "first": first,
        "knee": knee,
        "units": shown,
        "headings": {name: units.heading(name, unit.name) for name, unit in shown.items()},
        "diagram": _diagram(knee, colours),
        "colours": colours,
        "ink": {block: _readable(colour) for block, colour in colours.items()},
        "letters": figures.letters(run),
    }


def _confirmed(run: Run) -> Context | None:
    """The numbers of trainings, and by how much first ones lay above further ones, or None without any."""
    again = [result for result in run.results if result.trainings]
    if not again:
        return None
    name = run.trained_objectives[0]
    return {
        "trials": len(again),
        "trainings": len(run.confirmations),
        "name": name,
        "flattery": flattery(again, name),
        "intervals": name in again[0].intervals,
    }


def _embed(figure: go.Figure, name: str) -> Markup:
    """A figure as a part of the page (plotly escapes what could end the script)."""
    config = {"displaylogo": False, "responsive": True, "modeBarButtons": [["toImage", "resetScale2d"]]}
    return Markup(figure.to_html(full_html=False, include_plotlyjs=False, div_id=f"chart-{name}", config=config))


def _diagram(result: Result, colours: Mapping[str, str]) -> list[Context]:
    """The parts of a network from image to classes, each with its kind and its options."""
    network = result.architecture
    stem, head, side = network.stem, network.head, network.resolution
    rows: list[Context] = [{"name": "image", "kind": f"{side} × {side}", "facts": [f"channels {network.channels}"]}]
    rows.append({"name": "stem", "kind": stem.kind, "facts": _facts({"width": stem.width, **stem.options})})
    for i, stage in enumerate(network.stages):
        own = {"depth": stage.depth, "colour": colours[stage.block]}
        facts = _facts({"width": stage.width, "stride": stage.stride, **stage.options})
        rows.append({"name": f"stage {i}", "kind": stage.block, "facts": facts} | own)
    rows.append({"name": "head", "kind": head.kind, "facts": [f"classes {network.classes}", *_facts(head.options)]})
    return rows


def _facts(values: Mapping[str, object]) -> list[str]:
    return [f"{name.replace('_', ' ')} {value}" for name, value in values.items()]


def _readable(colour: str) -> str:
    """Black or white, whichever stands out more on a colour."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return "#000" if 0.299 * red + 0.587 * green + 0.114 * blue > 140 else "#fff"


def _flat(data: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Flatten nested settings to dotted keys, without those that are not set."""
    flat: dict[str, str] = {}
    for key, value in data.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{key}.")
        elif isinstance(value, list):
            flat[prefix + key] = ", ".join(map(str, value))
        elif value is not None:
            flat[prefix + key] = str(value)
    return flat
