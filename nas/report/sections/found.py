"""What was asked and what was found, in sentences."""

from nas.data.summary import SHOWN, noun_of, told
from nas.evaluation import units
from nas.evaluation.catalogue import objective
from nas.files import Json
from nas.record.analysis.counting import by_images, counting, validation_images
from nas.record.analysis.failures import tally
from nas.record.command import exhausted
from nas.record.environment import EAGER
from nas.record.listing import is_calibration
from nas.record.results import Result
from nas.record.run import PREDICTOR, Run
from nas.report.view import View


def context(view: View) -> Json:
    """Return the numbers of the first paragraphs, the tiles, and what the data are."""
    return {**_asked(view.run), **_counts(view), **_data(view.run), **(_found(view) if view.front else {"complete": 0})}


def _asked(run: Run) -> Json:
    """What was sought, within which limits, at what expense, and where times are those of."""
    config = run.config
    goals = [f"{'high' if more else 'low'} {units.words(name)}"
             for name, more in zip(config.objectives, run.maximize, strict=True)]  # fmt: skip
    limits = [
        f"{units.words(name)} {word} {units.show(name, limit)}"
        for word, given in (("at most", config.maximum), ("at least", config.minimum))
        for name, limit in given.items()
    ]
    lengths = list(map(units.epochs, config.epochs))
    return {
        "goals": _listed(goals),
        "limits": limits,
        "budget": str(config.budget) if config.budget.trials else units.duration(config.budget.seconds or 0.0),
        "exhausted": exhausted(run),
        "calibrates": is_calibration(run),
        "lengths": lengths,
        "subset": _subset(run),
        "timed": _timed(run),
    }


def _subset(run: Run) -> str:
    """Say on how many of the training images networks were trained, where not on all."""
    subset, parts = run.config.recipe.subset, (run.seal.get("data") or {}).get("parts", {})
    if not subset or subset >= parts.get("train", subset + 1):
        return ""
    return f"{subset:,} of the {parts['train']:,} training images" if parts else f"{subset:,} of the training images"


def _timed(run: Run) -> str:
    """Say on what and how the times that count were measured."""
    config = run.config
    weighed = dict.fromkeys((*config.objectives, *config.maximum, *config.minimum))
    asked = [name for name in weighed if objective(name).timed]
    if not asked:
        return ""
    batches = list(map(config.images_at_once, asked))
    images = _listed(["one image at a time" if n == 1 else f"{n} images at once" for n in dict.fromkeys(batches)])
    place = run.timed_on or "a device that is not noted"
    threads = f"{config.threads} thread{'' if config.threads == 1 else 's'}"
    setting = ", ".join(filter(None, [_runtime(run), threads, config.dtype]))
    how = ", predicted from measured blocks and networks" if run.predictor_error else ""
    names = _listed(list(map(units.words, asked)))
    verb = "is that" if len(asked) == 1 else "are those"
    order = ", in this order," if len(set(batches)) > 1 else ""
    return f"{units.capital(names)} {verb} of {images}{order} on {place} ({setting}){how}."


def _runtime(run: Run) -> str:
    """Say what runs the networks where they are timed, of a device that is elsewhere as its file says."""
    target = run.config.target
    if run.config.device_file:
        target = run.facts(PREDICTOR).get("where", {}).get("target", "")
    return "PyTorch operator by operator" if target in EAGER else target and f"target {target}"


def _listed(words: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _counts(view: View) -> Json:
    run, count = view.run, tally(view.run)
    return {
        "begun": count.begun,
        "trained": count.trained,
        "failures": count.failed,
        "rejections": count.rejected,
        "took": units.duration(run.elapsed),
        "time": units.duration(run.seconds),
    }


def _data(run: Run) -> Json:
    """Say what the data are: a sentence, the images of each class where they are many, what was left out, by cause."""
    known = run.seal.get("data") or {}
    counts = known.get("counts") or []
    return {
        "told": told(known) if known else "",
        "counted": noun_of(known),
        "counts": dict(zip(known["classes"], map("{:,}".format, counts), strict=True)) if len(counts) > SHOWN else {},
        "left_out": run.environment.get("left_out", []),
    }


def _found(view: View) -> Json:
    run, first = view.run, view.run.config.objectives[0]
    best, picked = run.pick(first), view.picked.result
    return {
        "complete": len(run.results),
        "first": first,
        "best": best,
        "best_value": _value(view, best, first),
        "picked": picked,
        "picked_values": {name: _value(view, picked, name) for name in run.config.objectives},
        "measured": {
            n: found[picked.key] for n in run.config.objectives if picked.key in (found := run.front_values(n))
        },
        "ends": _ends(view),
        "intervals": _intervals(run, [best, picked]),
        "unmet": view.picked.unmet,
        "front_size": len(view.front),
    }


def _value(view: View, result: Result, name: str) -> str:
    """A value with its interval: from further trainings or, without, from the number of images it was counted on."""
    run, value = view.run, result.metrics[name]
    if name in result.intervals:
        return units.show_between(name, value, result.intervals[name])
    if result.repeats and name in run.trained_objectives:
        own = _again(run, result.number, name)
        what = f"mean of {len(own)} further trainings" if len(own) > 1 else "one further training"
        ends = f", {units.show(name, min(own))} to {units.show(name, max(own))}" if len(own) > 1 else ""
        return f"{units.show(name, value)} ({what}{ends})"
    if bounds := by_images(run, name, value):
        return units.show_range(name, value, *bounds)
    measured = run.front_values(name).get(result.key)
    again = f" ({units.show(name, measured)} as measured at the end)" if measured is not None else ""
    return f"{units.show(name, value)}{again}"


def _again(run: Run, number: int, name: str) -> list[float]:
    """The values of a trial's trainings from other seeds."""
    own = [one for one in run.further if one.trial == number and one.repeat]
    return [one.outcome.metrics[name] for one in own if one.outcome.state == "complete"]


def _ends(view: View) -> list[str]:
    """The two ends of a front of two objectives."""
    if len(view.run.config.objectives) != 2 or len(view.front) < 2:
        return []
    first, last = view.run.config.objectives
    return [
        f"{units.show(first, result.metrics[first])} at {_named(last, result.metrics[last])}"
        for result in (view.front[0], view.front[-1])
    ]


def _named(name: str, value: float) -> str:
    """A value with its unit, or without one with what it counts."""
    shown = units.show(name, value)
    return shown if units.unit_of(name, [value]).name else f"{shown} {units.words(name)}"


def _intervals(run: Run, shown: list[Result]) -> str:
    """Say what the intervals of the values shown are."""
    said = []
    if any(result.intervals for result in shown):
        said.append("± is the 95 % interval of the mean of further trainings from other seeds.")
    alone = [result for result in shown if not result.repeats]
    if validation_images(run) and alone and counting(run):
        said.append(
            f"The 95 % interval is what {validation_images(run):,} validation images leave open; by how much another "
            "training would differ is not known."
        )
    return " ".join(said)
