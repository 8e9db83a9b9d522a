"""What a page's script knows of each trial: network, values, how it ended. Small, as thousands share a page.

A network is a list of parts (its frame, stem, stages, head), a part the names of its values and the values. What many
share is written once and named by its place in a list.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from nas import document
from nas.evaluation import units
from nas.evaluation.catalogue import objective
from nas.files import Json, quoted
from nas.network.architecture import Architecture, StemSpec
from nas.network.options import Scalar
from nas.record.results import Result
from nas.record.trial import Trial
from nas.report.rendering import inks
from nas.report.view import View
from nas.space.space import placed

STATES = ("complete", "failed", "rejected")
LONGEST = 300  # characters of a reason; trials.csv has all of it
STRIDES = {"conv": 2, "mobilenet": 2, "patchify": 16, "resnet": 4, "early_conv": 16, "swin": 4, "cvt": 4}
"""The strides of the stems that ship, where an option does not say: stems themselves need torch."""


def trial_data(view: View) -> Json:
    """Return all trials, how their values are shown, and the names that belong to the run."""
    pool, rows = _Pool(), list(_ended(view))
    names = list(dict.fromkeys((*view.run.config.objectives, *(name for _, metrics, _ in rows for name in metrics))))
    trials = [_row(view, pool, names, *row) for row in rows]
    return {
        "metrics": [_metric(view, name) for name in names],
        "objectives": len(view.run.config.objectives),
        "blocks": {name: [colour, view.letters.get(name, name[:1].upper()), inks({name: colour})[name]]
                   for name, colour in view.colours.items()},
        **pool.lists(),
        "trials": trials,
        "front": [result.number for result in view.front],
        "pick": view.picked.result.number,
        "rule": view.run.config.pick,
        **_names(view),
    }  # fmt: skip


def _row(
    view: View, pool: "_Pool", names: list[str], trial: Trial, metrics: Mapping[str, float], notes: Json
) -> list[Any]:
    """Number, state, parts of the network, values, interquartile ranges and, where there are any, notes.

    Of a network that lacks stages of its space the notes have the numbers of those that it has.
    """
    again = {name: found[trial.key] for name, found in view.again.items() if trial.key in found}
    if again:
        notes["again"] = {name: _short(reading["value"]) for name, reading in again.items()}
    if readings := {name: count for name in names if (count := len(view.ranges(trial, name))) > 1}:
        notes["readings"] = readings
    if trial.key in view.designs:
        notes["design"] = view.designs[trial.key]
    if (stages := list(placed(trial.decisions, trial.architecture))) != list(range(len(stages))):
        notes["stages"] = stages
    values = [_short(metrics[name]) if name in metrics else None for name in names]
    spreads = [_short(view.spread(trial, name), 3) for name in names]
    while spreads and not spreads[-1]:
        spreads.pop()
    place = STATES.index(trial.state)
    return [trial.number, place, pool.network(trial.architecture), values, spreads, *([notes] if notes else [])]


def _ended(view: View) -> Iterator[tuple[Trial, Mapping[str, float], Json]]:
    """Yield each trial with its values and its notes: how far to trust it, or why it did not end well."""
    found: dict[int, Result] = {result.number: result for result in view.run.results}
    failed = {trial.number: trial for trial in view.failed}
    last = len(view.run.config.lengths) - 1
    for trial in view.run.trials:
        if result := found.get(trial.number):
            yield trial, result.metrics, _doubts(result, last)
        else:
            ended = failed.get(trial.number, trial)
            yield ended, ended.metrics, {"reason": ended.outcome.reason[:LONGEST]}


def _doubts(result: Result, last: int) -> Json:
    notes: Json = {}
    if result.intervals:
        notes["interval"] = {name: _short(width) for name, width in result.intervals.items()}
    if result.repeats:
        notes["repeats"] = result.repeats
    if result.rung < last:
        notes["below"] = True
    if result.repeats or result.rung < last:
        notes["first"] = {name: _short(value) for name, value in result.first.items()}
    return notes


class _Pool:
    """The parts of all networks, each once."""

    def __init__(self) -> None:
        self.scalars: dict[tuple[type, Scalar], int] = {}
        self.shapes: dict[tuple[str, ...], int] = {}
        self.parts: dict[tuple[int, ...], int] = {}
        self.strides: dict[int, int] = {}

    def network(self, architecture: Architecture) -> list[int]:
        """The places of a network's parts: frame, stem, stages, head."""
        data = architecture.to_dict()
        stem, stages, head = data.pop("stem"), data.pop("stages"), data.pop("head")
        del data["name"]
        places = [self._part(part) for part in (data, stem, *stages, head)]
        self.strides.setdefault(places[1], told_stride(architecture.stem))
        return places

    def _part(self, part: Json) -> int:
        shape = self.shapes.setdefault(tuple(part), len(self.shapes))
        values = (self.scalars.setdefault((type(value), value), len(self.scalars)) for value in part.values())
        return self.parts.setdefault((shape, *values), len(self.parts))

    def lists(self) -> Json:
        """All of them as plain data; a scalar with its text in YAML, a stem with its stride (0: not known)."""
        return {
            "scalars": [[value, _in_yaml(value)] for _, value in self.scalars],
            "shapes": list(self.shapes),
            "parts": list(self.parts),
            "strides": self.strides,
        }


def told_stride(stem: StemSpec) -> int:
    """By how much a stem divides the resolution, or 0 for a stem from outside, which only its module tells."""
    if stem.kind not in STRIDES:
        return 0
    return int(stem.options.get("patch_size", stem.options.get("stride", STRIDES[stem.kind])))


def _metric(view: View, name: str) -> Json:
    unit, base = view.unit(name, view.run.results), units.unit_of(name, [])
    return {"name": name, "title": units.title(name), "words": units.words(name), "unit": unit.name, "base": base.name,
            "factor": unit.factor, "decimals": unit.decimals, "more": objective(name).goal == "maximize"}  # fmt: skip


def _names(view: View) -> Json:
    """What names the run in files and commands; a trial's number stands between the two parts of a name in YAML."""
    run = view.run
    first = document.dump({"name": f"{run.name[:80]}_1", "stem": {}}).rpartition("stem:")[0]
    before, _, after = first.rpartition("_1")
    plain = re.sub("[^A-Za-z0-9_.]+", "-", run.name)[:80].strip("-.") or "trial"
    return {"name": [before, after], "plain": plain, "folder": quoted(run.folder), "data": quoted(run.config.data)}


def _in_yaml(value: Scalar) -> str:
    return document.dump({"part": {"value": value}})[len("part: {value: ") : -len("}\n")]


def _short(value: float, digits: int = 6) -> float:
    return float(f"{value:.{digits}g}")
