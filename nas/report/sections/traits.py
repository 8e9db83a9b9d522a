"""What the networks of the front have in common: blocks and sizes by stage, their layouts, and where they attend."""

from collections.abc import Sequence

from nas.evaluation import units
from nas.files import Json, quoted
from nas.record.analysis.layouts import kept
from nas.record.analysis.members import counted, members
from nas.record.analysis.traits import Traits, traits
from nas.record.results import Result
from nas.report.charts import embed
from nas.report.shares import composition_figure, drawn, layout_figure
from nas.report.view import View
from nas.report.worths import worth_figure
from nas.space.space import placed

LAYOUTS = 12
"""Layouts that are listed."""


def context(view: View) -> Json | None:
    """Return the front beside random members, its layouts ranked and, once `nas layout` compared them, their trend."""
    if not view.front:
        return None
    found = kept(view.run)
    layout = {"said": found.sentences(), "layout_chart": embed(layout_figure(found), "layout")} if found else {}
    worths = found.worths if found else ()
    compared = compare(view)
    rows = ranked(view)
    return {
        "traits": compared,
        "chart": embed(composition_figure(compared, view.colours), "composition"),
        "hidden": len(compared.blocks) - len(drawn(compared)),
        "limited": bool(view.run.config.maximum or view.run.config.minimum),
        "ranked": rows[:LAYOUTS],
        "more": max(len(rows) - LAYOUTS, 0),
        "layouts": found,
        "worths": worths,
        "worth_chart": embed(worth_figure(worths, view.colours), "worth") if worths else "",
        "front_size": len(view.front),
        "target": quoted(view.run.folder),
        **layout,
    }


def compare(view: View) -> Traits:
    """Hold the front against random members of the space."""
    trials = [result.trial for result in view.front]
    return traits(counted([placed(one.decisions, one.architecture) for one in trials]), members(view.run))


def ranked(view: View) -> list[Json]:
    """Rank the layouts of the front by how many networks have each, with its best value and what it costs."""
    first, *costs = view.run.config.objectives
    more = view.run.maximize[0]
    groups: dict[str, list[Result]] = {}
    for result in view.front:
        groups.setdefault(result.layout, []).append(result)
    rows = [
        {
            "network": group[0].architecture,
            "count": len(group),
            "best": (max if more else min)(result.metrics[first] for result in group),
            "costs": {name: _range(name, group) for name in costs},
        }
        for group in groups.values()
    ]
    return sorted(rows, key=lambda row: (-row["count"], -row["best"] if more else row["best"]))


def _range(name: str, group: Sequence[Result]) -> Json:
    """Give the least and the greatest value of some networks, each in its own unit, which is written once if it can."""
    low, high = (find(result.metrics[name] for result in group) for find in (min, max))
    least, greatest = units.show(name, low), units.show(name, high)
    unit = units.unit_of(name, [high]).name
    if least == greatest:
        words = least
    elif units.unit_of(name, [low]).name == unit:
        words = f"{least.removesuffix(unit).rstrip()} to {greatest}"
    else:
        words = f"{least} to {greatest}"
    return {"low": low, "words": words, "heading": units.title(name)}
