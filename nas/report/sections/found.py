"""What was asked and what was found, in sentences."""

from nas.data.summary import SHOWN, told
from nas.evaluation import units
from nas.files import Json
from nas.record.run import Run
from nas.report.view import View


def context(view: View) -> Json:
    """Return the numbers of the first paragraph, the tiles, and what the data are."""
    return {**_counts(view), **_data(view.run), **(_found(view) if view.front else {"complete": 0})}


def _counts(view: View) -> Json:
    run = view.run
    states = [trial.state for trial in run.trials]
    return {
        "trained": len(run.spent),
        "failures": len(view.failed),
        "rejections": states.count("rejected"),
        "took": units.duration(run.elapsed),
        "time": units.duration(run.seconds),
    }


def _data(run: Run) -> Json:
    """Say what the data are: a sentence, the images of each class where they are many, what was left out, by cause."""
    known = run.seal.get("data") or {}
    counts = known.get("counts") or []
    return {
        "told": told(known) if known else "",
        "counts": dict(zip(known["classes"], map("{:,}".format, counts), strict=True)) if len(counts) > SHOWN else {},
        "left_out": run.environment.get("left_out", []),
    }


def _found(view: View) -> Json:
    first = view.run.config.objectives[0]
    return {
        "complete": len(view.run.results),
        "first": first,
        "best": view.run.pick(first),
        "picked": view.picked.result,
        "unmet": view.picked.unmet,
        "front_size": len(view.front),
    }
