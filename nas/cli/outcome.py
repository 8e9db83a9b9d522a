"""Print the end of a run: its front, where its files are, and what to do next."""

from collections import Counter
from collections.abc import Sequence

from rich import box
from rich.table import Table

from nas import pareto
from nas.cli.terminal import Terminal
from nas.evaluation.units import duration, show_between
from nas.files import quoted
from nas.record.results import Result
from nas.record.run import Run


def front_table(run: Run, front: Sequence[Result], rows: int | None = None) -> Table:
    """Draw the Pareto front of a run, thinned evenly to about `rows` lines, with the pick marked."""
    picked = run.pick().number if front else None
    if rows and len(front) > rows:
        kept = pareto.spaced(len(front), rows)
        front = [result for i, result in enumerate(front) if i in kept or result.number == picked]
    table = Table("trial", "layout", "depths", *run.config.objectives, "", box=box.SIMPLE_HEAD)
    for result in front:
        values = [show_between(n, result.metrics[n], result.intervals.get(n)) for n in run.config.objectives]
        depths, star = result.architecture.depths(), f"★ {run.config.pick}" if result.number == picked else ""
        table.add_row(str(result.number), result.layout, depths, *values, star, style="bold green" if star else "")
    return table


def conclude(console: Terminal, run: Run) -> None:
    """Print the front, where the output is, and what to run next."""
    front = run.front()
    counts = f"{len(run.spent)} architectures trained in {duration(run.elapsed)}"
    console.say("\n", (run.name, "bold"), f": {counts}; {len(front)} on the Pareto front")
    for note in run.learnt.notes:
        console.say(f"  learnt from {note}")
    if front:
        console.print(front_table(run, front))
    if front and front[0].rung + 1 < len(run.config.lengths):
        console.say("  no network has reached the last rung: values are those that are expected there\n")
    if front and (unmet := run.picked.unmet):
        console.say(f"  {unmet}\n")
    if error := run.predictor_error:
        console.say(
            f"  latency is predicted: on networks held out, median error {error['median']:.1%}, "
            f"nine of ten within {error['high']:.1%}\n"
        )
    made = run.environment
    if left := made.get("unreadable_images"):
        console.say(f"  {left:,} left out of the data: {'; '.join(made.get('left_out') or made['unreadable'][:3])}\n")
    files = {"report": "report.html", "best": "best.yaml", "front": "front/", "trials": "trials.csv"}
    for label, file in files.items():
        if front or label in ("report", "trials"):
            console.say(f"  {label:<8}{run.folder / file}")
    if front:
        folder, trials = quoted(run.folder), 2 * max(len(run.spent), 1)
        console.following(
            f"nas show {quoted(run.folder / 'best.yaml')}",
            f"nas train {folder} --data {quoted(run.config.data)} --name NAME",
            f"nas resume {folder} --budget {trials}",
        )


def nothing_came(run: Run) -> str:
    """Say what became of the trials of a run none of which is complete, with the first reason."""
    if not run.trials:
        return "nothing came of it yet: no trial has ended"
    count = Counter(trial.state for trial in run.trials)
    states = ", ".join(f"{number} {state}" for state, number in count.most_common())
    first = next((trial for trial in run.trials if trial.state == "failed"), run.trials[0])
    why = f"the first, trial {first.number}, {first.state}: {first.outcome.reason}"
    return f"nothing came of it: of {len(run.trials)} trials {states}; {why}"
