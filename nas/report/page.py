"""The report: a page that holds all it needs, beside the table and the architectures."""

from dataclasses import replace
from pathlib import Path

from markupsafe import Markup
from plotly.offline import get_plotlyjs

from nas import files
from nas.data.summary import SHOWN, told
from nas.errors import SettingError
from nas.evaluation import units
from nas.evaluation.picks import KNEE
from nas.files import Json, quoted
from nas.record import layouts
from nas.record.results import fallen, flattery
from nas.record.run import Run
from nas.record.trial import Trial
from nas.report import figures
from nas.report.architectures import write_architectures
from nas.report.charts import embed
from nas.report.layout_figure import layout_figure
from nas.report.rendering import diagram, flat, inks, machines, render_page

MAX_ROWS = 500  # of a table on the page; trials.csv has them all
Context = Json
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
    return render_page("report.html", _context(run))


def _context(run: Run) -> Context:
    return {
        "run": run,
        **_summary(run),
        **(_shown(run) if run.results else {}),
        "failed": _failed(run)[:MAX_ROWS],
        "settings": flat(run.config.model_dump(mode="json")),
        "environment": machines(run.environment),
        **_data(run),
        "command_target": quoted(run.folder),
        "command_data": quoted(run.config.data),
        "max_rows": MAX_ROWS,
    }


def _data(run: Run) -> Context:
    """What the data are: a sentence, the images of each class where they are many, and what was left out, by cause."""
    known = run.seal.get("data") or {}
    counts = known.get("counts") or []
    return {
        "told": told(known) if known else "",
        "counts": dict(zip(known["classes"], map("{:,}".format, counts), strict=True)) if len(counts) > SHOWN else {},
        "left_out": run.environment.get("left_out", []),
    }


def _summary(run: Run) -> Context:
    """The numbers of the first paragraph."""
    states = [trial.state for trial in run.trials]
    return {
        "trained": len(run.spent),
        "complete": len(run.results),
        "failures": len(_failed(run)),
        "rejections": states.count("rejected"),
        "took": units.duration(run.elapsed),
        "time": units.duration(run.seconds),
    }


def _shown(run: Run) -> Context:
    """The front, the pick and the charts, once an architecture has been trained to the end."""
    front, colours, picked = run.front(), figures.colours(run), run.picked
    columns = dict.fromkeys((*run.config.objectives, *(name for result in front for name in result.metrics)))
    shown = {name: units.unit_of(name, [r.metrics[name] for r in front if name in r.metrics]) for name in columns}
    first = run.config.objectives[0]
    return {
        "plotlyjs": Markup(get_plotlyjs()),
        "front_chart": embed(figures.front_figure(run), "front"),
        "composition_chart": embed(figures.composition_figure(run), "composition"),
        **_layouts(run),
        "progress_chart": embed(figures.progress_figure(run), "progress"),
        "front": front[:MAX_ROWS],
        "front_size": len(front),
        "confirmed": _confirmed(run),
        "rungs": _rungs(run),
        "calibration": run.seal.get("calibration"),
        "below": bool(run.results) and run.front()[0].rung + 1 < len(run.config.lengths),
        "again": {name: values for name in columns if (values := run.front_values(name))},
        "predicted": run.predictor_error,
        "limits": run.config.maximum,
        "best": run.pick(first),
        "first": first,
        "picked": picked.result,
        "unmet": picked.unmet,
        "rule": run.config.pick,
        "star": "knee" if run.config.pick == KNEE else "pick",
        "units": shown,
        "headings": {name: units.heading(name, unit.name) for name, unit in shown.items()},
        "diagram": diagram(picked.result.architecture, colours),
        "colours": colours,
        "ink": inks(colours),
        "letters": figures.letters(run),
    }


def _layouts(run: Run) -> Context:
    """The comparison of the front's layouts with random networks, once `nas layout` has made it."""
    found = layouts.kept(run)
    if not found:
        return {"layouts": None}
    return {"layouts": found, "said": found.sentences(), "layout_chart": embed(layout_figure(found), "layout")}


def _failed(run: Run) -> list[Trial]:
    """The trials that failed, at first or when they went on, with the reason."""
    fell = fallen(run.further)
    ended = [replace(t, outcome=fell[t.number]) if t.number in fell else t for t in run.trials]
    return [trial for trial in ended if trial.state != "complete" and trial.state != "rejected"]


def _rungs(run: Run) -> list[Context]:
    """How many networks came to each rung, and how long it is, or nothing where there is but one."""
    lengths = [length * run.config.recipe.epochs for length in run.config.lengths]
    counts = [sum(result.rung >= i for result in run.results) for i in range(len(lengths))]
    counts[0] = sum(trial.state == "complete" for trial in run.trials)  # also those that failed further up
    rungs = [{"epochs": length, "count": count} for length, count in zip(lengths, counts, strict=True)]
    return rungs if len(rungs) > 1 else []


def _confirmed(run: Run) -> Context | None:
    """The numbers of trainings, and by how much first ones lay above further ones, or None without any."""
    again = [result for result in run.results if result.trainings]
    if not again or not run.trained_objectives:
        return None
    name = run.trained_objectives[0]
    return {
        "trials": len(again),
        "trainings": sum(one.repeat > 0 for one in run.further),
        "name": name,
        "flattery": flattery(again, name),
        "intervals": name in again[0].intervals,
    }
