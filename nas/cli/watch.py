"""A search as a person follows it: the live display, then what it came to and what to do next."""

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from nas.cli.display import Display
    from nas.record.run import Run


def watch(begin: "Callable[[Display], Run]") -> None:
    """Run a search under the live display and say at the end where things lie."""
    from rich.console import Console

    from nas.cli.display import Display

    console = Console()
    display = Display(console)
    try:
        with display.shown():
            run = begin(display)
    except KeyboardInterrupt:
        if display.run is None:
            console.print("\n[yellow]Stopped[/] before a training began.")
            raise typer.Exit(130) from None
        console.print(
            f"\n[yellow]Stopped.[/] Every finished trial is kept. Go on with: nas resume {display.run.folder}"
        )
        raise typer.Exit(130) from None
    conclude(console, run)


def conclude(console: "Console", run: "Run") -> None:
    """The front, where the output lies, and what to run next."""
    from nas.cli.tables import front_table
    from nas.evaluation.units import duration

    front = run.front()
    counts = f"{len(run.trained)} architectures trained in {duration(run.elapsed)}"
    console.print(f"\n[bold]{run.name}[/]: {counts}; {len(front)} on the Pareto front", highlight=False)
    for note in run.learnt.notes:
        console.print(f"  learnt from {note}", highlight=False, soft_wrap=True, markup=False)
    console.print(front_table(run, front))
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
        f"       nas export {run.folder} --pick accuracy -o accurate.yaml\n"
        f"       nas resume {run.folder} --budget {2 * max(len(run.trained), 1)}",
        highlight=False,
        soft_wrap=True,
    )
