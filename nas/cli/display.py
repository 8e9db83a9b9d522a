"""Show a running search: its progress with the time left, counts, and the front so far."""

import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from nas.cli.outcome import conclude, front_table
from nas.engine.confirm import missing
from nas.engine.executors import Placement
from nas.engine.watcher import Watcher
from nas.evaluation.job import Job, Outcome
from nas.evaluation.units import duration, show
from nas.record.results import Result
from nas.record.run import Run
from nas.record.trial import Confirmation, Trial

AGAIN = {"search": "", "confirm": ", trained again", "measure": ", measured in full"}
ROWS, RUNNING = 12, 8  # lines for the front, and for the trials that run


def watch(begin: Callable[[Watcher], Run]) -> None:
    """Run a search under the live display, and say at the end where its files are."""
    console = Console()
    display = Display(console)
    try:
        with display.shown():
            run = begin(display.watcher())
    except KeyboardInterrupt:
        if display.run is None:
            console.print("\n[yellow]Stopped[/] before a training began.")
            raise typer.Exit(130) from None
        console.print(
            f"\n[yellow]Stopped.[/] Every finished trial is kept. Go on with: nas resume {display.run.folder}"
        )
        raise typer.Exit(130) from None
    conclude(console, run)


def progress_bar(console: Console, **more: Any) -> Progress:
    """Make a bar as wide as the terminal, with what runs, the share done, the time taken and the time left."""
    return Progress(
        TextColumn("[bold]{task.description}"),
        BarColumn(bar_width=None),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("[dim]{task.fields[left]}"),
        console=console,
        expand=True,
        **more,
    )


class Display:
    """A live picture of a search, or on a pipe one line a trial."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.progress = progress_bar(console)
        self.task = self.progress.add_task("search", total=None, left="")
        self.live = Live(console=console, refresh_per_second=4, transient=True)
        self.start, self.done_before = time.monotonic(), -1
        self.running: dict[tuple[str, int, int], str] = {}  # a line a job, by its ticket
        self.start_confirming: tuple[float, int] | None = None  # when, and after how many
        self.run: Run | None = None
        self.front: list[Result] = []  # as it stands since the last change of the record

    def watcher(self) -> Watcher:
        """Return the functions that the search calls."""
        return Watcher(
            placed=self.placed,
            calibrated=self.calibrated,
            began=self.began,
            ended=self.ended,
            confirmed=self.confirmed,
            remeasured=self.remeasured,
            warned=self.warned,
        )

    def warned(self, line: str) -> None:
        """Warn that the search goes on in another environment."""
        self.console.print(f"[yellow]warning:[/] {escape(line)}", highlight=False, soft_wrap=True)

    def placed(self, placement: Placement, run: Run) -> None:
        """Say how many workers the search has."""
        if text := _workers(placement, run):
            self.console.print(text, highlight=False, soft_wrap=True)

    def calibrated(self, done: int, of: int) -> None:
        """Count the networks measured for the predictor."""
        now = f"measuring what latency is predicted from: network {done} of {of}"
        if self.console.is_terminal:
            self.live.update(Group(self.progress, f"[dim]{now}[/]"))
        elif done in (0, of):
            self.console.print(now, highlight=False)

    def began(self, job: Job, run: Run) -> None:
        """Show a job that begins."""
        self.run = run
        if self.done_before < 0:
            self.done_before, self.front = len(run.spent), run.front()
        doing = f"trial {job.number}{AGAIN[job.purpose]}"
        self.running[job.ticket] = f"{doing}: {job.architecture.layout()}, depths {job.architecture.depths()}"
        self.draw(run) if job.purpose == "search" else self._picture(run)

    def ended(self, trial: Trial, run: Run) -> None:
        """Show a trial that is on disk."""
        self.running.pop(("search", trial.number, 0), None)
        self.front = run.front()
        if not self.console.is_terminal and trial.state != "rejected":
            total = run.config.budget.trials or "?"
            self.console.print(f"[{len(run.spent)}/{total}] {_line(trial, run)}", highlight=False, markup=False)
        self.draw(run)

    def confirmed(self, confirmation: Confirmation, run: Run) -> None:
        """Show a further training of a trial."""
        self.running.pop(("confirm", confirmation.trial, confirmation.repeat), None)
        self.front = run.front()
        done, left = len(run.confirmations), len(missing(run))
        self.start_confirming = self.start_confirming or (time.monotonic(), done - 1)
        start, before = self.start_confirming
        time_left = f"{duration(left * (time.monotonic() - start) / max(done - before, 1))} left"
        self.progress.update(self.task, description="confirm", total=done + left, completed=done, left=time_left)
        if not self.console.is_terminal:
            line = f"[confirm {done}, {left} left] trial {confirmation.trial} trained again"
            self.console.print(f"{line}: {_values(confirmation.outcome, run)}", highlight=False, markup=False)
        self._picture(run)

    def remeasured(self, job: Job, run: Run) -> None:
        """Show that values of the front were measured in full."""
        self.running.pop(job.ticket, None)
        if not self.console.is_terminal:
            self.console.print(f"[front] trial {job.number} measured in full", highlight=False, markup=False)
        self._picture(run)

    def draw(self, run: Run) -> None:
        """Update progress and picture."""
        budget, done = run.config.budget, len(run.spent)
        new, elapsed = done - max(self.done_before, 0), time.monotonic() - self.start
        if budget.trials:
            left = f"{duration((budget.trials - done) * elapsed / new)} left" if new else ""
            self.progress.update(self.task, total=budget.trials, completed=done, left=left)
        elif budget.seconds:
            left = f"{duration(max(budget.seconds - run.elapsed, 0))} left"
            self.progress.update(self.task, total=budget.seconds, completed=run.elapsed, left=left)
        self._picture(run)

    def _picture(self, run: Run) -> None:
        if self.console.is_terminal:
            table = front_table(run, self.front, ROWS)
            self.live.update(Group(self.progress, _counts(run, len(self.front)), table, self._now()))

    def _now(self) -> str:
        """List the running trials, a line each."""
        lines = [f"[dim]{line}[/]" for line in list(self.running.values())[:RUNNING]]
        more = len(self.running) - len(lines)
        return "\n".join([*lines, *([f"[dim]and {more} more[/]"] if more else [])])

    @contextmanager
    def shown(self) -> Iterator["Display"]:
        """Show the picture within the block, and let SIGTERM end the search as Ctrl-C does."""

        def interrupt(_signal: int, _frame: FrameType | None) -> None:
            raise KeyboardInterrupt

        before = signal.signal(signal.SIGTERM, interrupt)
        try:
            with self.live:
                yield self
        finally:
            signal.signal(signal.SIGTERM, before)


def _workers(placement: Placement, run: Run) -> str:
    """Say how many trials run at once and where, and whether nas chose that, or nothing for one worker here."""
    if placement.workers == 1 and placement.ray is None:
        return ""
    where = f"the Ray cluster {placement.ray}" if placement.ray else "this machine"
    count = f"{placement.workers} workers" if placement.workers else "as many workers as fit"
    part = "a measured part" if placement.gpu_share else f"{placement.gpus:g}"
    share = f", {part} of a GPU each" if placement.gpus else ""
    chosen = " (chosen; --workers 1 repeats a search exactly)" if run.config.workers == "auto" else ""
    return f"{count} on {where}{share}{chosen}"


def _line(trial: Trial, run: Run) -> str:
    """Write a trial in one line, for a pipe or a log."""
    head = f"trial {trial.number} {trial.layout}"
    return f"{head} {_values(trial.outcome, run)}"


def _values(outcome: Outcome, run: Run) -> str:
    if outcome.state != "complete":
        return f"{outcome.state}: {outcome.reason}"
    return " ".join(f"{name} {show(name, outcome.metrics[name])}" for name in run.config.objectives)


def _counts(run: Run, on_front: int) -> Table:
    grid = Table.grid(padding=(0, 3))
    count = Counter(trial.state for trial in run.trials)
    grid.add_row(
        f"[bold]{len(run.spent)}[/] trained", f"[cyan]{count['pruned']}[/] of them stopped early",
        f"[red]{count['failed']}[/] failed", f"[yellow]{count['rejected']}[/] rejected",
        f"[green]{on_front}[/] on the front",
    )  # fmt: skip
    return grid
