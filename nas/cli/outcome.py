"""Print the end of a run: its front, where its files are, and what to do next."""

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from nas import pareto
from nas.evaluation.units import duration, show_between
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
        table.add_row(
            str(result.number), result.layout, depths, *values, escape(star), style="bold green" if star else ""
        )
    return table


def conclude(console: Console, run: Run) -> None:
    """Print the front, where the output is, and what to run next."""
    front = run.front()
    counts = f"{len(run.spent)} architectures trained in {duration(run.elapsed)}"
    console.print(f"\n[bold]{run.name}[/]: {counts}; {len(front)} on the Pareto front", highlight=False)
    for note in run.learnt.notes:
        console.print(f"  learnt from {note}", highlight=False, soft_wrap=True, markup=False)
    console.print(front_table(run, front))
    if front and (unmet := run.picked.unmet):
        console.print(f"  {unmet}\n", highlight=False, soft_wrap=True, markup=False)
    if error := run.predictor_error:
        console.print(
            f"  latency is predicted: on networks held out, median error {error['median']:.1%}, "
            f"nine of ten within {error['high']:.1%}\n",
            highlight=False,
            soft_wrap=True,
        )
    if unreadable := run.environment.get("unreadable_images"):
        named = "; ".join(run.environment["unreadable"][:3])
        console.print(f"  {unreadable} unreadable images were left out: {named}\n", soft_wrap=True, markup=False)
    for label, path in (
        ("report", "report.html"),
        ("best", "best.yaml"),
        ("front", "front/"),
        ("trials", "trials.csv"),
    ):
        console.print(f"  {label:<8}{run.folder / path}", highlight=False, soft_wrap=True)
    console.print(
        f"\nNext:  nas show {run.folder / 'best.yaml'}\n"
        f"       nas train {run.folder} --data {run.config.data} --name NAME\n"
        f"       nas resume {run.folder} --budget {2 * max(len(run.spent), 1)}",
        highlight=False,
        soft_wrap=True,
    )
