"""Show a running search: its progress with the time left, counts, and the front so far."""

import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import typer
from rich.console import Group
from rich.live import Live
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from nas.cli.outcome import conclude, front_table, nothing_came
from nas.cli.terminal import Terminal, line
from nas.data.summary import told
from nas.engine.executors import Placement
from nas.engine.ladder import missing
from nas.engine.watcher import Watcher
from nas.errors import RunError
from nas.evaluation.job import Job, Outcome, Purpose
from nas.evaluation.units import duration, epochs, show
from nas.files import cache_remark, quoted
from nas.record.results import Result
from nas.record.run import Run
from nas.record.trial import Further, Trial

DOING: dict[Purpose, str] = {
    "search": "", "promote": ", trained on", "confirm": ", trained again", "measure": ", measured in full"
}  # fmt: skip
ROWS, RUNNING = 12, 8  # lines for the front, and for the trials that run


def watch(begin: Callable[[Watcher], Run], again: str = "") -> Run:
    """Run a search under the live display, and say at the end where its files are.

    With the command that goes on given, as `again`, the end is left to that command, and all is shown on stderr. Raises
    RunError for no result.
    """
    console = Terminal(stderr=bool(again))
    display = Display(console)
    if remark := cache_remark():
        display.warned(remark)
    try:
        with display.shown():
            run = begin(display.watcher())
    except KeyboardInterrupt:
        if display.run is None:
            console.say("\n", ("Stopped", "yellow"), " before a training began.")
            raise typer.Exit(130) from None
        command = again or f"nas resume {quoted(display.run.folder)}"
        console.say("\n", ("Stopped.", "yellow"), f" Every finished trial is kept. Go on with: {command}")
        raise typer.Exit(130) from None
    if not again:
        conclude(console, run)
    if not run.results:
        raise RunError(f"{run.folder}: {nothing_came(run)}")
    return run


def progress_bar(console: Terminal, **more: Any) -> Progress:
    """Make a bar as wide as the terminal, with what runs, the share done, the time taken and the time left."""
    return Progress(
        TextColumn("{task.description}", style="bold", markup=False),
        BarColumn(bar_width=None),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]}", style="dim", markup=False),
        console=console,
        expand=True,
        **more,
    )


class Display:
    """A live picture of a search, or on a pipe one line a trial."""

    def __init__(self, console: Terminal) -> None:
        self.console = console
        self.progress = progress_bar(console)
        self.task = self.progress.add_task("search", total=None, left="")
        self.live = Live(console=console, refresh_per_second=4, transient=True)
        self.start, self.done_before = time.monotonic(), -1
        self.running: dict[tuple[Purpose, int, int, int], str] = {}  # a line a job, by its ticket
        self.start_confirming: tuple[float, int] | None = None  # when, and after how many
        self.run: Run | None = None
        self.front: list[Result] = []  # as it stands since the last change of the record

    def watcher(self) -> Watcher:
        """Return the functions that the search calls."""
        return Watcher(
            placed=self.placed,
            timed=self.timed,
            began=self.began,
            ended=self.ended,
            trained_further=self.trained_further,
            remeasured=self.remeasured,
            warned=self.warned,
        )

    def warned(self, text: str) -> None:
        """Warn that the search goes on in another environment."""
        self.console.say(("warning:", "yellow"), f" {text}")

    def placed(self, placement: Placement, run: Run) -> None:
        """Say what the data are and how many workers the search has."""
        if data := run.seal.get("data"):
            self.console.say(f"{run.config.data}: {told(data)}")
        if text := _workers(placement, run):
            self.console.say(text)
        if found := run.seal.get("calibration"):
            rungs = ",".join(map(str, run.config.lengths))
            self.console.say(f"--rungs {rungs}, as calibrated by {found['run']} (--rungs 1 for short trainings alone)")
        self.start, self.done_before, self.start_confirming = time.monotonic(), -1, None

    def timed(self, done: int, of: int) -> None:
        """Count the networks measured for the predictor."""
        now = f"measuring what latency is predicted from: network {done} of {of}"
        if self.console.moves:
            self.live.update(Group(self.progress, line((now, "dim"))))
        elif done in (0, of):
            self.console.say(now)

    def began(self, job: Job, run: Run) -> None:
        """Show a job that begins."""
        self.run = run
        if self.done_before < 0:
            self.done_before, self.front = len(run.spent), run.front()
        doing = f"trial {job.number}{DOING[job.purpose]}"
        self.running[job.ticket] = f"{doing}: {job.architecture.layout()}, depths {job.architecture.depths()}"
        self.draw(run) if job.purpose == "search" else self._picture(run)

    def ended(self, trial: Trial, run: Run) -> None:
        """Show a trial that is on disk."""
        self.running.pop(("search", trial.number, 0, 0), None)
        self.front = run.front()
        if not self.console.moves and trial.state != "rejected":
            total = run.config.budget.trials or "?"
            self.console.say(f"[{len(run.spent)}/{total}] {_line(trial, run)}")
        self.draw(run)

    def trained_further(self, further: Further, run: Run) -> None:
        """Show a further training of a trial."""
        purpose: Purpose = "confirm" if further.repeat else "promote"
        self.running.pop((purpose, further.trial, further.repeat, further.rung), None)
        self.front = run.front()
        if further.repeat:
            self._confirming(run)
        if not self.console.moves:
            again = f" to {_length(run, further.rung)}" if purpose == "promote" else ""
            head = f"[{purpose}] trial {further.trial}{DOING[purpose].removeprefix(',')}{again}"
            self.console.say(f"{head}: {_values(further.outcome, run)}")
        self._picture(run)

    def _confirming(self, run: Run) -> None:
        """Update the progress of the trainings from other seeds."""
        done, left = sum(one.repeat > 0 for one in run.further), len(missing(run))
        self.start_confirming = self.start_confirming or (time.monotonic(), done - 1)
        start, before = self.start_confirming
        time_left = f"{duration(left * (time.monotonic() - start) / max(done - before, 1))} left"
        self.progress.update(self.task, description="confirm", total=done + left, completed=done, left=time_left)

    def remeasured(self, job: Job, run: Run) -> None:
        """Show that values of the front were measured in full."""
        self.running.pop(job.ticket, None)
        if not self.console.moves:
            self.console.say(f"[front] trial {job.number} measured in full")
        self._picture(run)

    def draw(self, run: Run) -> None:
        """Update progress and picture."""
        budget, done = run.config.budget, len(run.spent)
        new, elapsed = done - max(self.done_before, 0), time.monotonic() - self.start
        if budget.trials:
            left = f"{duration((budget.trials - done) * elapsed / new)} left" if new else ""
            self.progress.update(self.task, description="search", total=budget.trials, completed=done, left=left)
        elif budget.seconds:
            left = f"{duration(max(budget.seconds - run.elapsed, 0))} left"
            self.progress.update(self.task, total=budget.seconds, completed=run.elapsed, left=left)
        self._picture(run)

    def _picture(self, run: Run) -> None:
        if self.console.moves:
            table = front_table(run, self.front, ROWS)
            self.live.update(Group(self.progress, _counts(run, len(self.front)), table, self._now()))

    def _now(self) -> Text:
        """List the running trials, a line each."""
        lines = list(self.running.values())[:RUNNING]
        more = len(self.running) - len(lines)
        return line(("\n".join([*lines, *([f"and {more} more"] if more else [])]), "dim"))

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


def _length(run: Run, rung: int) -> str:
    """Say how long trainings of a rung are."""
    return epochs(run.config.lengths[rung] * run.config.recipe.epochs)


def _counts(run: Run, on_front: int) -> Table:
    grid = Table.grid(padding=(0, 3))
    count, last = Counter(trial.state for trial in run.trials), len(run.config.lengths) - 1
    far = (line((str(sum(r.rung == last for r in run.results)), "cyan"), f" of them for {_length(run, last)}"),)
    grid.add_row(
        line((str(len(run.spent)), "bold"), " trained"), *(far if last else ()),
        line((str(count["failed"]), "red"), " failed"), line((str(count["rejected"]), "yellow"), " rejected"),
        line((str(on_front), "green"), " on the front"),
    )  # fmt: skip
    return grid
