"""What a person sees while a search runs: progress with the time left, counts, the front so far."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from nas.cli.tables import front_table
from nas.executors._base import Job
from nas.proposer import Watcher
from nas.run import Run, Trial
from nas.units import duration, show

ROWS = 12


class Display:
    """A live picture of a search; on a pipe, one line a trial instead."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.progress = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(bar_width=None),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[left]}"),
            console=console,
            expand=True,
        )
        self.task = self.progress.add_task("search", total=None, left="")
        self.live = Live(console=console, refresh_per_second=4, transient=True)
        self.start, self.done_before = time.monotonic(), -1
        self.now = "loading data"
        self.run: Run | None = None

    def watcher(self) -> Watcher:
        """The two ends that the search calls."""
        return Watcher(began=self.began, ended=self.ended)

    def began(self, job: Job, run: Run) -> None:
        """A training begins."""
        self.run = run
        if self.done_before < 0:
            self.done_before = len(run.trained)
        layout = job.architecture.layout()
        self.now = f"trial {job.number}: {layout}, depths {[s.depth for s in job.architecture.stages]}"
        self.draw(run)

    def ended(self, trial: Trial, run: Run) -> None:
        """A trial is on disk."""
        if not self.console.is_terminal and trial.state != "rejected":
            total = run.config.budget.trials or "?"
            self.console.print(f"[{len(run.trained)}/{total}] {_line(trial, run)}", highlight=False, markup=False)
        self.draw(run)

    def draw(self, run: Run) -> None:
        """Renew the picture."""
        budget, done = run.config.budget, len(run.trained)
        new, elapsed = done - max(self.done_before, 0), time.monotonic() - self.start
        if budget.trials:
            left = f"{duration((budget.trials - done) * elapsed / new)} left" if new else ""
            self.progress.update(self.task, total=budget.trials, completed=done, left=left)
        elif budget.seconds:
            left = f"{duration(max(budget.seconds - run.elapsed, 0))} left"
            self.progress.update(self.task, total=budget.seconds, completed=run.elapsed, left=left)
        if self.console.is_terminal:
            self.live.update(Group(self.progress, _counts(run), front_table(run, ROWS), f"[dim]{self.now}[/]"))

    @contextmanager
    def shown(self) -> Iterator["Display"]:
        """Show the picture; SIGTERM ends the search as Ctrl-C does."""

        def interrupt(_signal: int, _frame: FrameType | None) -> None:
            raise KeyboardInterrupt

        before = signal.signal(signal.SIGTERM, interrupt)
        try:
            with self.live:
                yield self
        finally:
            signal.signal(signal.SIGTERM, before)


def _line(trial: Trial, run: Run) -> str:
    """One trial in one line, for a pipe or a log."""
    head = f"trial {trial.number} {trial.layout}"
    if trial.state == "failed":
        return f"{head} failed: {trial.reason}"
    return f"{head} " + " ".join(f"{name} {show(name, trial.metrics[name])}" for name in run.config.objectives)


def _counts(run: Run) -> Table:
    grid = Table.grid(padding=(0, 3))
    failed = sum(t.state == "failed" for t in run.trials)
    rejected = sum(t.state == "rejected" for t in run.trials)
    grid.add_row(
        f"[bold]{len(run.trained)}[/] trained", f"[red]{failed}[/] failed", f"[yellow]{rejected}[/] rejected",
        f"[green]{len(run.front())}[/] on the front",
    )  # fmt: skip
    return grid
