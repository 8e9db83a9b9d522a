"""Print the end of a run: its front, where its files are, and what to do next."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict

from rich import box
from rich.table import Table

from nas import pareto
from nas.cli.sparkline import growing
from nas.cli.strip import strip
from nas.cli.terminal import Terminal
from nas.data.summary import left_out
from nas.evaluation.catalogue import objective
from nas.evaluation.units import duration, show, show_between
from nas.files import Json, quoted
from nas.record.analysis.failures import ended, tally
from nas.record.analysis.health import pressing
from nas.record.command import exhausted, going_on
from nas.record.folders import PICKED, REPORT
from nas.record.journal import TABLE
from nas.record.results import Result
from nas.record.run import Run


def front_tables(run: Run, front: Sequence[Result], rows: int | None = None) -> list[Table]:
    """Draw the Pareto front of a run, thinned evenly to about `rows` lines, with the pick marked, ever narrower."""
    picked = run.pick().number if front else None
    if rows and len(front) > rows:
        kept = pareto.spaced(len(front), rows)
        front = [result for i, result in enumerate(front) if i in kept or result.number == picked]
    ways = ((True, True), (False, True), (False, False))
    return [_table(run, front, picked, strips, intervals) for strips, intervals in ways]


def _table(run: Run, front: Sequence[Result], picked: int | None, strips: bool, intervals: bool) -> Table:
    """Draw a front with the stages of its networks and intervals, or without. The pick's name stands where these do."""
    names = run.config.objectives
    padding = (0, 1) if strips else (0, 1, 0, 0)
    table = Table("trial", "layout", *(["stages"] if strips else []), *names, "", box=box.SIMPLE_HEAD, padding=padding)
    again = {name: run.front_values(name) if intervals else {} for name in names}
    for result in front:
        values = [_value(result, name, again[name], intervals) for name in names]
        stages = [strip(result.architecture, result.layout)] if strips else []
        star = (f"★ {run.config.pick}" if strips else "★") if result.number == picked else ""
        style = "bold green" if star else ""
        table.add_row(str(result.number), result.layout, *stages, *values, star, style=style)
    return table


def _value(result: Result, name: str, again: Mapping[str, float], intervals: bool) -> str:
    """Write a value with its interval, and what it came to when it was measured again at the end."""
    said = show_between(name, result.metrics[name], result.intervals.get(name) if intervals else None)
    return f"{said} → {show(name, again[result.key])}" if result.key in again else said


def run_facts(run: Run) -> Json:
    """Return a run's result as plain data: counts, front, best network, files."""
    front, count = run.front(), tally(run)
    picked = run.picked if front else None
    best = {"trial": picked.result.number, "rule": run.config.pick, "unmet": picked.unmet} if picked else None
    return {
        "run": run.name,
        "folder": run.folder,
        "objectives": {n: objective(n).goal for n in run.config.objectives},
        "budget": run.config.budget.model_dump(),
        **asdict(count),
        "exhausted": bool(exhausted(run)),
        "seconds": run.elapsed,
        "best": best and best | {"file": run.folder / PICKED},
        "front": [
            {
                "trial": result.number,
                "layout": result.layout,
                "depths": [stage.depth for stage in result.architecture.stages],
                "key": result.key,
                "metrics": result.metrics,
                "intervals": result.intervals,
                "trainings": result.trainings,
                "rung": result.rung,
            }
            for result in front
        ],
        "predictor_error": run.predictor_error or None,
        "warnings": list(pressing(run)),
        "report": run.folder / REPORT,
    }


def conclude(console: Terminal, run: Run) -> None:
    """Print the front, where the output is, and what to run next."""
    front, count = run.front(), tally(run)
    others = "".join(f", {n} {state}" for state, n in (("failed", count.failed), ("rejected", count.rejected)) if n)
    trained = f"{count.trained} of " if count.failed else ""
    one = "" if count.begun == 1 else "s"
    counts = f"{trained}{count.begun} architecture{one} trained in {duration(run.elapsed)}{others}"
    console.say("\n", (run.name, "bold"), f": {counts}; {len(front)} on the Pareto front")
    for note in run.learnt.notes:
        console.remark(f"learnt from {note}")
    if front:
        console.table(*front_tables(run, front))
    for remark in _remarks(run, front, console.width):
        console.remark(f"{remark}\n")
    files = {"report": REPORT, "best": PICKED, "front": "front/", "trials": TABLE}
    for label, file in files.items():
        if front or label in ("report", "trials"):
            console.say(f"  {label:<8}{run.folder / file}")
    if front:
        console.following(
            f"nas show {quoted(run.folder / PICKED)}",
            f"nas train {quoted(run.folder)} --data {quoted(run.config.data)} --name NAME",
            *filter(None, [going_on(run)]),
        )


def _remarks(run: Run, front: Sequence[Result], columns: int) -> Iterator[str]:
    """Yield what there is to know of a front beside its values, for a terminal of so many columns."""
    if grown := growing(run, columns):
        yield grown
    if ended := exhausted(run):
        yield ended
    if front and front[0].rung + 1 < len(run.config.lengths):
        yield "no network has reached the last rung: values are those that are expected there"
    if front and (unmet := run.picked.unmet):
        yield unmet
    if error := run.predictor_error:
        median, high = error["median"], error["high"]
        yield f"latency is predicted: on networks held out, median error {median:.1%}, nine of ten within {high:.1%}"
    for remark in pressing(run):
        yield f"note: {remark}"
    if left := data_left_out(run):
        yield left


def data_left_out(run: Run) -> str:
    """Say how much a run's data set left out, and why, or return an empty text."""
    made = run.environment
    if not (left := made.get("unreadable_images")):
        return ""
    return left_out(left, made.get("left_out") or made["unreadable"][:3])


def nothing_came(run: Run) -> str:
    """Say what became of the trials of a run none of which is complete, with the first reason."""
    if not run.trials:
        return "nothing came of it yet: no trial has ended"
    trials = ended(run)
    count = Counter(trial.state for trial in trials)
    states = ", ".join(f"{number} {state}" for state, number in count.most_common())
    first = next((trial for trial in trials if trial.state == "failed"), trials[0])
    why = f"the first, trial {first.number}, {first.state}: {first.outcome.reason}"
    return f"nothing came of it: of {len(run.trials)} trials {states}; {why}"
