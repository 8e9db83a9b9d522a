"""Whether it can be trusted: health checks in words, and the same networks measured twice."""

from collections import Counter

import plotly.graph_objects as go

from nas.evaluation import units
from nas.evaluation.catalogue import objective
from nas.files import Json
from nas.record.analysis.health import health
from nas.record.analysis.repeats import Pairs, between_rungs, between_seeds, first_and_further, predicted_and_measured
from nas.record.listing import is_calibration
from nas.record.results import flattery
from nas.record.run import Run
from nas.report.charts import PALETTE, QUIET, embed, style
from nas.report.view import View

FEWEST_POINTS = 4  # below which a scatter shows nothing that the text does not


def context(view: View) -> Json | None:
    """Return the remarks of the checks, the numbers of further trainings, and what was measured twice."""
    if not view.front:
        return None
    run = view.run
    again, predicted = first_and_further(run), predicted_and_measured(run)
    compared = [*between_rungs(run), *filter(None, [between_seeds(run), predicted])]
    shown = {"first": again, "latency": predicted}
    return {
        "health": health(run),
        "confirmed": _confirmed(run),
        "rungs": _rungs(run),
        "calibration": run.seal.get("calibration"),
        "calibrates": is_calibration(run),
        "below": view.front[0].rung + 1 < len(run.config.lengths),
        "predicted": run.predictor_error,
        "ranked": [row for pairs in compared if (row := _ranked(pairs))],
        "charts": [
            embed(pairs_figure(pairs), f"pairs-{name}")
            for name, pairs in shown.items()
            if pairs and len(pairs.trials) >= FEWEST_POINTS
        ],
    }


def _rungs(run: Run) -> list[Json]:
    """How many networks came to each rung, and how long it is, or nothing where there is but one."""
    lengths = run.config.epochs
    came = Counter(one.rung for one in run.further if not one.repeat and one.outcome.state == "complete")
    came[0] = sum(trial.state == "complete" for trial in run.trials)
    counts = [came[i] for i in range(len(lengths))]  # those that failed further up too
    rungs = [{"epochs": length, "count": count} for length, count in zip(lengths, counts, strict=True)]
    return rungs if len(rungs) > 1 else []


def _confirmed(run: Run) -> Json | None:
    """The numbers of trainings, and by how much first ones lay above further ones, or None without any."""
    again = [result for result in run.results if result.repeats]
    if not again or not (name := run.judged):
        return None
    return {
        "trials": len(again),
        "trainings": sum(result.repeats for result in again),
        "name": name,
        "flattery": flattery(again, name) * objective(name).sign,
        "intervals": name in again[0].intervals,
    }


def _ranked(pairs: Pairs) -> Json | None:
    """One line of the table of rank correlations."""
    found = pairs.agreement
    if found is None:
        return None
    return {
        "what": f"{units.title(pairs.objective)}: {pairs.before}, {pairs.after}",
        "networks": len(pairs.trials),
        "tau": f"{found.tau:z.2f}",
        "interval": f"{found.low:z.2f} to {found.high:z.2f}" if found.low < found.high else "–",
    }


def pairs_figure(pairs: Pairs) -> go.Figure:
    """Each trial at its first and second value; on the line both are the same."""
    unit = units.unit_of(pairs.objective, (*pairs.first, *pairs.second))
    x, y = ([value * unit.factor for value in values] for values in (pairs.first, pairs.second))
    ends = [min(x + y), max(x + y)]
    same = go.Scatter(x=ends, y=ends, mode="lines", line={"color": QUIET, "dash": "dot"}, hoverinfo="skip")
    text = f"trial %{{customdata}}<br>{pairs.before} %{{x:.4g}}<br>{pairs.after} %{{y:.4g}}<extra></extra>"
    marker = {"color": PALETTE[0], "size": 9, "opacity": 0.8}
    dots = go.Scatter(x=x, y=y, customdata=pairs.trials, mode="markers", marker=marker, hovertemplate=text)
    figure = style(go.Figure([same, dots]), height=340)
    title = units.heading(pairs.objective, unit.name)
    figure.update_xaxes(title=f"{title}, {pairs.before}").update_yaxes(title=units.capital(pairs.after))
    return figure.update_layout(showlegend=False, margin_t=24)
