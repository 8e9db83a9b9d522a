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
from nas.executors._base import Job, Placement
from nas.proposer import Watcher
from nas.record import Trial
from nas.run import Run
from nas.units import duration, show

ROWS, RUNNING = 12, 8  # lines for the front, and for the trials that run


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
        self.running: dict[int, str] = {}
        self.run: Run | None = None

    def watcher(self) -> Watcher:
        """The ends that the search calls."""
        return Watcher(placed=self.placed, began=self.began, ended=self.ended)

    def placed(self, placement: Placement, run: Run) -> None:
        """The search knows how many workers it has."""
        if text := _workers(placement, run):
            self.console.print(text, highlight=False, soft_wrap=True)

    def began(self, job: Job, run: Run) -> None:
        """A training begins."""
        self.run = run
        if self.done_before < 0:
            self.done_before = len(run.trained)
        layout = job.architecture.layout()
        depths = "-".join(str(stage.depth) for stage in job.architecture.stages)
        self.running[job.number] = f"trial {job.number}: {layout}, depths {depths}"
        self.draw(run)

    def ended(self, trial: Trial, run: Run) -> None:
        """A trial is on disk."""
        self.running.pop(trial.number, None)
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
            self.live.update(Group(self.progress, _counts(run), front_table(run, ROWS), self._now()))

    def _now(self) -> str:
        """What runs, a line a trial."""
        lines = [f"[dim]{line}[/]" for line in list(self.running.values())[:RUNNING]]
        more = len(self.running) - len(lines)
        return "\n".join([*lines, *([f"[dim]and {more} more[/]"] if more else [])])

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


def _workers(placement: Placement, run: Run) -> str:
    """How many trials run at once, where the person left that open; with more than one, what it costs."""
    if placement.workers == 1 and placement.ray is None:
        return ""
    where = f"the Ray cluster {placement.ray}" if placement.ray else "this machine"
    count = f"{placement.workers} workers" if placement.workers else "as many workers as fit"
    part = "a measured part" if placement.gpu_share else f"{placement.gpus:g}"
    share = f", {part} of a GPU each" if placement.gpus else ""
    chosen = " (chosen; --workers 1 repeats a search exactly)" if run.config.workers == "auto" else ""
    return f"{count} on {where}{share}{chosen}"


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
