"""The page of a full training: what was trained, what came of it, where it errs and what to do next."""

from collections.abc import Container, Sequence
from contextlib import suppress
from pathlib import Path

from markupsafe import Markup
from plotly.offline import get_plotlyjs

from nas import files
from nas.costs.counts import cost
from nas.data.copies import flattered
from nas.errors import NasError
from nas.evaluation import units
from nas.files import Json, quoted
from nas.network.architecture import Architecture
from nas.network.heads import Head
from nas.record.ending import Ending
from nas.record.folders import REPORT, VERDICT
from nas.record.models import BEST
from nas.record.trained import Trained
from nas.registry import BLOCKS, target_text
from nas.report import training_figures as figures
from nas.report.charts import THEMES, colours_of, embed
from nas.report.lowered_part import lowered_part
from nas.report.rendering import diagram, flat, inks, left_out, machines, render_page
from nas.report.verdict_part import NO_VERDICT, verdict_part
from nas.training.boxes.found import NOTED
from nas.training.catalogue import load_task
from nas.training.full.progress import Epoch, best_epoch
from nas.training.full.recipe import changed
from nas.training.full.settings import TrainConfig
from nas.training.model import BOXES, Model, gives

TOLD = ("unreadable", "overlap", "seen")  # of the environment, said in sentences
CHANGES = 6  # values of a recipe that the first sentence lists


def write_training_report(trained: Trained) -> Path:
    """Write `report.html` in the folder, whole or not at all, and return its path.

    It is written for an unfinished training too. Raises SettingError when it cannot be written, RunError for a full
    disk, and when a file of the training is damaged.
    """
    page = trained.folder / REPORT
    with files.writing(page):
        files.write(page, render_training(trained))
    return page


def render_training(trained: Trained) -> str:
    """Render the page with everything it needs inside, so that it opens offline. Raises RunError for a damaged file."""
    history, ending, monitor = trained.history, trained.ending, trained.config.monitor
    task = load_task(trained.config.task)
    best = ending.epoch if ending else best_epoch(history, monitor, task.metrics[monitor].sign)
    unreadable = dict.fromkeys([*trained.environment.get("unreadable", ()), *(ending.unreadable if ending else ())])
    return render_page(
        "training.html",
        {
            **_what(trained, history),
            **_curves(history, best, _guessed(trained)),
            "flattered": flattered(trained.seal.get("data") or {}),
            "overlap": trained.environment.get("overlap", ""),
            "lowered": [],
            "proposed": None,
            "judged": "test image",
            **NO_VERDICT,
            **(_verdict(trained, ending) if ending else {}),
            "detector": task.outputs == BOXES,
            "classifier": gives(task.outputs, {"targets": task.targets}) == Head.outputs,
            **_costs(trained, ending, history),
            **_next(trained),
            "plotlyjs": Markup(get_plotlyjs()) if history else "",
            "themes": THEMES,
            "best": next((epoch for epoch in history if epoch.number == best), None),
            **left_out(unreadable),
        },
    )


def _what(trained: Trained, history: Sequence[Epoch]) -> Json:
    """What was trained, how, and for how long."""
    network, config = trained.architecture, trained.config
    colours = colours_of(stage.block for stage in network.stages)
    made = {name: value for name, value in trained.environment.items() if name not in TOLD}
    return {
        "trained": trained,
        "network": network,
        "config": config,
        "history": history,
        "changed": _changed(config),
        "seconds": sum(epoch.seconds for epoch in history),
        "early": bool(config.patience and trained.ending and not config.time and len(history) < config.recipe.epochs),
        "colours": colours,
        "ink": inks(colours),
        "letters": {block: BLOCKS.get(block).letter for block in colours},
        "diagram": diagram(network, trained.stages, colours),
        "settings": flat(config.model_dump(mode="json")),
        "environment": machines(made),
    }


def _changed(config: TrainConfig) -> Json:
    """Say the values that differ from those of a recipe that ships."""
    found = [(name.replace("_", " "), _short(one)) for name, one in changed(config.recipe, config.recipe_name).items()]
    return dict(found[:CHANGES])


def _short(value: object) -> str:
    return f"{value:g}" if isinstance(value, int | float) else "none" if value is None else str(value)


def _guessed(trained: Trained) -> set[str]:
    """Name the metrics that a curve would tell nothing of, but for the one that decides.

    Where classes are few, as ten for the top five, every second guess is right, and a network's curve lies along 100 %.
    """
    metrics, classes = load_task(trained.config.task).metrics, trained.architecture.classes
    return {name for name, one in metrics.items() if classes <= 2 * one.trivial and name != trained.config.monitor}


def _curves(history: Sequence[Epoch], best: int, left_out: Container[str]) -> Json:
    if not history:
        return {"charts": []}
    groups = figures.metric_groups(history, left_out)
    charts = [("loss", "Loss of the training and the validation part", figures.loss_figure(history, best))]
    for i, names in enumerate(groups):
        said = ", ".join(map(units.title, names)) + " on the validation part"
        charts.append((f"metrics-{i}", said, figures.metric_figure(history, names, best)))
    charts.append(("rate", "Learning rate", figures.rate_figure(history)))
    return {"charts": [{"about": f"{about} by epoch", "figure": embed(figure, name)} for name, about, figure in charts]}


def _verdict(trained: Trained, ending: Ending) -> Json:
    """What the best weights do on the test part."""
    verdict = ending.verdict
    first = trained.config.monitor if trained.config.monitor in verdict.metrics else next(iter(verdict.metrics))
    found: Json = {"first": first, "verdict_file": VERDICT}
    model = _model(trained)
    if ending.boxes:
        noted = bool(model and NOTED in model.facts)
        found |= {"noted": noted} | lowered_part(trained.architecture, ending.lowered, first)
    classes = _classes(model, len(ending.boxes.classes if ending.boxes else verdict.confusion))
    return found | verdict_part(verdict, classes, ending.boxes, ending.pictures, _names(ending).__getitem__)


def _names(ending: Ending) -> dict[int, str]:
    """Say which image each row that is shown is: its file, if it has one and the version that judged it noted it."""
    shown = [one.row for one in (ending.boxes.shown if ending.boxes else ending.verdict.mistakes)]
    known = dict(zip(shown, ending.names, strict=False))
    return {row: known.get(row) or f"test image {row}" for row in shown}


def _model(trained: Trained) -> Model | None:
    """Read the best weights, if they can be read."""
    with suppress(NasError):
        return trained.model()
    return None


def _classes(model: Model | None, count: int) -> list[str]:
    """Return the names of the classes, or their numbers where no weights name them."""
    if model and len(model.classes) == count:
        return [*map(str, model.classes)]
    return [f"class {i}" for i in range(count)]


def _costs(trained: Trained, ending: Ending | None, history: Sequence[Epoch]) -> Json:
    """Parameters, multiply-adds, latency and sizes, those counted here where the training has not ended."""
    costs = dict(ending.costs) if ending else {}
    if not {"params", "macs"} <= costs.keys():
        costs |= _counted(trained.architecture)
    weights = trained.folder / BEST
    return {
        "params": costs["params"],
        "macs": costs["macs"],
        "latency": latency if isinstance(latency := costs.get("latency"), dict) else None,
        "conditions": _conditions(latency) if isinstance(latency, dict) else "",
        "megabytes": weights.stat().st_size / 1e6 if weights.exists() else None,
        "per_epoch": sum(epoch.seconds for epoch in history) / len(history) if history else None,
    }


def _counted(architecture: Architecture) -> Json:
    counted = cost(architecture)
    return {"params": counted.params, "macs": counted.macs}


def _conditions(latency: Json) -> str:
    """Say where and how a latency was measured."""
    threads = "1 thread" if latency["threads"] == 1 else f"{latency['threads']} threads"
    return (
        f"{target_text(latency['target'])} on {latency['device']}, {threads}, batch of {latency['batch']}, "
        f"{latency['resolution']} × {latency['resolution']} pixels, {latency['dtype']}"
        + ("" if latency["steady"] else "; the machine was not steady")
    )


def _next(trained: Trained) -> Json:
    """The commands that go on from here."""
    folder = str(trained.folder)
    return {
        "target": quoted(folder),
        "onnx": quoted(f"{trained.name}.onnx"),
        "onnx_lowered": quoted(f"{trained.name}-lowered.onnx"),
        "literal": repr(folder),
        "weights": (trained.folder / BEST).exists(),
    }
