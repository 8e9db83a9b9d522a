"""What a finished search leaves in its folder: `report.html`, `trials.csv`, `best.yaml` and `front/`."""

import re
import shlex
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
import plotly.graph_objects as go
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from nas import document, files
from nas.errors import SettingError
from nas.evaluation import units
from nas.record.confirmed import flattery, interval
from nas.record.journal import Trial
from nas.record.run import Run
from nas.report import figures as charts

MAX_ROWS = 500  # of a table on the page; trials.csv has them all
FRONT_FILE = re.compile(r"\d+_.*_trial-\d+\.yaml")
STAGE_KEYS = ("block", "kind", "depth", "width", "stride")


def write_report(run: Run) -> Path:
    """Write the page, the table and the architectures; returns the page's path.

    Raises SettingError when the run's folder cannot be written.
    """
    page = run.folder / "report.html"
    try:
        files.write(run.folder / "trials.csv", run.to_frame().to_csv(index=False))
        _write_front(run)
        if run.complete:
            knee = run.pick("knee")
            files.write(run.folder / "best.yaml", architecture_text(run, knee))
        files.write(page, render(run))
    except OSError as error:
        raise SettingError(f"{error.filename or run.folder}: cannot be written ({error.strerror})") from None
    return page


def architecture_text(run: Run, trial: Trial) -> str:
    """A trial's architecture file, named after the run and the trial."""
    return document.dump(trial.architecture | {"name": f"{run.name[:80]}_{trial.number}"})


def _write_front(run: Run) -> None:
    """One file a front trial, in the front's order; files of an older front are removed."""
    folder, front = run.folder / "front", run.front()
    folder.mkdir(exist_ok=True)
    names = [_file_name(rank, len(front), trial, run.config.objectives) for rank, trial in enumerate(front, 1)]
    for name, trial in zip(names, front, strict=True):
        files.write(folder / name, architecture_text(run, trial))
    for path in folder.iterdir():
        if FRONT_FILE.fullmatch(path.name) and path.name not in names:
            path.unlink()


def _file_name(rank: int, count: int, trial: Trial, objectives: Sequence[str]) -> str:
    digits = max(2, len(str(count)))
    values = [f"{name}-{_plain(trial.metrics[name])}" for name in objectives]
    return "_".join([f"{rank:0{digits}d}", *values, f"trial-{trial.number}.yaml"])


def _plain(value: float) -> str:
    return f"{value:.4g}" if abs(value) < 1e4 else f"{value:.0f}"


def render(run: Run) -> str:
    """The page: everything it needs is inside, so that it opens without a network."""
    folder = resources.files("nas.report") / "templates"
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    environment.globals.update(
        show=units.show, show_difference=units.show_difference, title=units.title, interval=interval
    )
    template = environment.from_string((folder / "report.html").read_text(encoding="utf-8"))
    return template.render(
        run=run,
        style=Markup((folder / "report.css").read_text(encoding="utf-8")),
        **_summary(run),
        **(_results(run) if run.complete else {}),
        failed=[t for t in run.trials if t.state == "failed"][:MAX_ROWS],
        settings=_flat(run.config.model_dump(mode="json")),
        environment=_flat(run.environment),
        command_target=shlex.quote(str(run.folder)),
        max_rows=MAX_ROWS,
    )


def _summary(run: Run) -> dict[str, Any]:
    """The numbers of the first paragraph."""
    states = [t.state for t in run.trials]
    return {
        "trained": len(run.trained),
        "complete": len(run.complete),
        "failures": states.count("failed"),
        "rejections": states.count("rejected"),
        "pruned": states.count("pruned"),
        "took": units.duration(run.elapsed),
        "time": units.duration(run.seconds),
    }


def _results(run: Run) -> dict[str, Any]:
    """What there is to show once an architecture has been trained to the end."""
    front, colours = run.front(), charts.colours(run)
    columns = dict.fromkeys((*run.config.objectives, *(name for t in front for name in t.metrics)))
    scales = {name: units.scale(name, [t.metrics[name] for t in front if name in t.metrics]) for name in columns}
    first = run.config.objectives[0]
    return {
        "plotlyjs": Markup(get_plotlyjs()),
        "front_chart": _embed(charts.front_figure(run), "front"),
        "composition_chart": _embed(charts.composition_figure(run), "composition"),
        "progress_chart": _embed(charts.progress_figure(run), "progress"),
        "front": front[:MAX_ROWS],
        "front_size": len(front),
        "confirmed": _confirmed(run),
        "measured": run.front_latency,
        "predicted": run.predictor_error,
        "limit": run.config.maximum.get("latency"),
        "best": run.pick(first),
        "first": first,
        "knee": run.pick("knee"),
        "scales": scales,
        "headings": {name: units.heading(name, scale.unit) for name, scale in scales.items()},
        "diagram": _diagram(run.pick("knee"), colours),
        "colours": colours,
        "ink": {block: _readable(colour) for block, colour in colours.items()},
        "letters": charts.letters(run),
    }


def _confirmed(run: Run) -> dict[str, Any] | None:
    """What the further trainings said of the first ones."""
    again = [t for t in run.complete if "confirmed" in t.details]
    if not again:
        return None
    name = run.trained_objectives[0]
    return {
        "trials": len(again),
        "trainings": len(run.confirmations),
        "name": name,
        "flattery": flattery(again, name),
        "intervals": interval(again[0], name) is not None,
    }


def _embed(figure: go.Figure, name: str) -> Markup:
    """A figure as a part of the page (plotly escapes what could end the script)."""
    config = {"displaylogo": False, "responsive": True, "modeBarButtons": [["toImage", "resetScale2d"]]}
    return Markup(figure.to_html(full_html=False, include_plotlyjs=False, div_id=f"chart-{name}", config=config))


def _diagram(trial: Trial, colours: dict[str, str]) -> list[dict[str, Any]]:
    """The parts of a network from image to classes, each with what it is and its options."""
    parts = trial.architecture
    side, channels, classes = parts["resolution"], parts["channels"], parts["classes"]
    rows: list[dict[str, Any]] = [{"name": "image", "kind": f"{side} × {side}", "facts": [f"channels {channels}"]}]
    rows.append({"name": "stem", "kind": parts["stem"]["kind"], "facts": _facts(parts["stem"])})
    for i, stage in enumerate(parts["stages"]):
        own = {"depth": stage["depth"], "colour": colours[stage["block"]]}
        rows.append({"name": f"stage {i}", "kind": stage["block"], "facts": _facts(stage)} | own)
    rows.append(
        {"name": "head", "kind": parts["head"]["kind"], "facts": [f"classes {classes}", *_facts(parts["head"])]}
    )
    return rows


def _facts(part: dict[str, Any]) -> list[str]:
    """Width and stride, then the options of the kind."""
    facts = [f"{key} {part[key]}" for key in ("width", "stride") if key in part]
    return facts + [f"{key.replace('_', ' ')} {value}" for key, value in part.items() if key not in STAGE_KEYS]


def _readable(colour: str) -> str:
    """Black or white, whichever stands out more on a colour."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return "#000" if 0.299 * red + 0.587 * green + 0.114 * blue > 140 else "#fff"


def _flat(data: dict[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested settings as one level of dotted keys; what was not set is left out."""
    flat: dict[str, str] = {}
    for key, value in data.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{key}.")
        elif isinstance(value, list):
            flat[prefix + key] = ", ".join(map(str, value))
        elif value is not None:
            flat[prefix + key] = str(value)
    return flat
