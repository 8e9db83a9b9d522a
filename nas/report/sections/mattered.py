"""What mattered: the importance of each decision for each objective, and the trials as lines across decisions."""

from collections.abc import Sequence

import plotly.graph_objects as go

from nas.evaluation import units
from nas.files import Json
from nas.record.analysis.importance import FEWEST, MOST, Importance, Importances, importances
from nas.report.charts import embed, literal, style
from nas.report.choices import choice_label, choice_words, value_words
from nas.report.parallel import least_width, lines, objective_axes, parallel_figure, selections
from nas.report.view import View

CAUTION = 30
"""Trials below which the page warns."""
ACROSS, TOLD = 6, 3  # decisions that are axes of the lines, and those told in a sentence
PALE = 0.4


def context(view: View) -> Json | None:
    """Return the importances as a chart, a table and sentences, and the lines; words alone from too few trials."""
    if not view.front:
        return None
    count = len(view.run.results)
    found = importances(view.run)
    if not found:
        return {"count": count, "fewest": FEWEST, "found": found}
    names = ordered(found)
    drawn = lines(view)
    axes = names[:ACROSS]
    return {
        "count": count,
        "fewest": FEWEST,
        "few": count < CAUTION,
        "most": MOST,
        "found": found,
        "sentences": [_sentence(one) for one in found],
        "chart": embed(importance_figure(found, names), "importance"),
        "rows": [_row(name, found) for name in names],
        "width": least_width(view, drawn, axes),
        "lines": len(drawn),
        "parallel": embed(parallel_figure(view, drawn, axes), "parallel"),
        "selections": selections(drawn, axes),
        "objectives": objective_axes(view, drawn),
    }


def ordered(found: Sequence[Importances]) -> list[str]:
    """Order the decisions: those that stand out for some objective first, each group by its largest share."""
    ranks: dict[str, tuple[bool, float]] = {}
    for one in (decision for objective in found for decision in objective.decisions):
        ranks[one.decision] = max(ranks.get(one.decision, (False, 0.0)), (one.beyond, one.share))
    return sorted(ranks, key=lambda name: ranks[name], reverse=True)


def importance_figure(found: Sequence[Importances], names: Sequence[str]) -> go.Figure:
    """Draw a bar for each decision and objective, with its standard error, pale where chance brings as much."""
    figure = go.Figure()
    for objective in found:
        known = {one.decision: one for one in objective.decisions}
        own = [known[name] for name in names]
        figure.add_trace(
            go.Bar(
                y=[choice_label(name) for name in names],
                x=[100 * one.share for one in own],
                orientation="h",
                name=literal(units.title(objective.objective)),
                marker_opacity=[1.0 if one.beyond else PALE for one in own],
                error_x={"type": "data", "array": [100 * one.error for one in own], "thickness": 1.2, "width": 3},
                customdata=[[literal(value_words(one.value)), *_rates(one, objective)] for one in own],
                hovertemplate="%{y}: %{x:.1f} %<br>%{customdata[0]} on %{customdata[1]} of the best, "
                "%{customdata[2]} of all<extra></extra>",
            )
        )
    figure.update_xaxes(title="Importance (%)", rangemode="nonnegative")
    figure.update_yaxes(autorange="reversed", showgrid=False, tickfont_size=12)
    height = 130 + len(names) * max(12 + 12 * len(found), 34)
    return style(figure, height).update_layout(barmode="group", bargap=0.3)


def _rates(one: Importance, objective: Importances) -> tuple[str, str]:
    return f"{one.best} of {objective.best}", f"{one.all} of {objective.trials}"


def _sentence(found: Importances) -> str:
    """Say which decisions mattered for an objective beyond chance, and what the best trials chose."""
    name = units.words(found.objective)
    told = [
        f"{choice_words(one.decision)} ({value_words(one.value)} on {one.best} of the best {found.best}, "
        f"{one.all} of all {found.trials})"
        for one in found.decisions
        if one.beyond
    ][:TOLD]
    if not told:
        return f"For {name} none of {found.compared} decisions stands out beyond chance."
    return f"For {name}, of {found.compared} decisions, beyond chance: {'; '.join(told)}."


def _row(name: str, found: Sequence[Importances]) -> Json:
    """Put a decision's importances for all objectives in a row of the table."""
    cells = []
    for objective in found:
        one = next(one for one in objective.decisions if one.decision == name)
        cells.append({
            "share": one.share, "error": one.error, "beyond": one.beyond, "value": value_words(one.value),
            "best": one.best, "of": objective.best, "all": one.all, "trials": objective.trials,
        })  # fmt: skip
    return {"words": choice_words(name), "cells": cells}
