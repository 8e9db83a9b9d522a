"""Show a running search: its progress with the time left, counts, and the front so far."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer
from rich.console import Group, RenderableType
from rich.live import Live

from nas.cli.outcome import conclude, data_left_out, front_tables, nothing_came, run_facts
from nas.cli.picture import DONE, Doing, counts, length, placed, trial_line, values, workers
from nas.cli.sparkline import growing
from nas.cli.terminal import Terminal, line, print_json, progress_bar
from nas.data.copies import flattered
from nas.data.summary import told
from nas.engine.executors import Placement
from nas.engine.ladder import missing
from nas.engine.watcher import Watcher
from nas.errors import RunError
from nas.evaluation.job import Job, Purpose
from nas.evaluation.units import duration
from nas.files import cache_remark, quoted
from nas.record.command import is_spent
from nas.record.run import Run
from nas.record.trial import Further, Trial

ROWS = 12  # lines for the front
FREE = 0.05  # seconds that a look at all results may take whenever something ends
SHARE = 0.05  # of the time, at most, is spent on what longer ones take, as those at thousands of trials


def watch(begin: Callable[[Watcher], Run], again: str = "", *, as_json: bool = False) -> Run:
    """Run a search under the live display, and say at the end where its files are, or all of its result as JSON.

    With the command that goes on given, as `again`, the end is left to that command. What is not the result is then
    shown on stderr. Raises RunError for no result.
    """
    console = Terminal(stderr=bool(again) or as_json)
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
    if as_json:
        print_json(run_facts(run))
    elif not again:
        conclude(console, run)
    if not run.results:
        raise RunError(f"{run.folder}: {nothing_came(run)}")
    return run


class Display:
    """A live picture of a search, or on a pipe one line a trial."""

    def __init__(self, console: Terminal) -> None:
        self.console = console
        self.progress = progress_bar(console)
        self.task = self.progress.add_task("search", total=None, left="")
        self.start, self.done_before = time.monotonic(), -1
        self.running: dict[tuple[Purpose, int, int, int], Doing] = {}  # by the job's ticket
        self.start_confirming: tuple[float, int] | None = None  # when, and after how many
        self.run: Run | None = None
        self.rejected = 0  # since the last line
        self.drawn: list[RenderableType] = []  # of the record, as it stood at the last look
        self.due = 0.0  # when the next look is, by the clock of this process
        self.live = Live(console=console, refresh_per_second=4, transient=True, get_renderable=self.picture)

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
        """Warn of the data, or that the search goes on in another environment."""
        self.console.say(("warning:", "yellow"), f" {text}")

    def placed(self, placement: Placement, run: Run) -> None:
        """Say what the data are and how many workers the search has."""
        before, self.run = self.run, run  # the searches of a calibration have the same data
        data = run.seal.get("data")
        if data and not (before and before.seal.get("data") == data):
            self.console.say(f"{run.config.data}: {told(data)}")
            if remark := flattered(data):
                self.warned(remark)
            if left := data_left_out(run):
                self.console.say((left, "dim"))
        if text := placed(placement, run):
            self.console.say(text)
        if found := run.seal.get("calibration"):
            rungs = ",".join(map(str, run.config.lengths))
            self.console.say(f"--rungs {rungs}, as calibrated by {found['run']} (--rungs 1 for short trainings alone)")
        self.start, self.done_before, self.start_confirming = time.monotonic(), -1, None

    def timed(self, done: int, of: int) -> None:
        """Count the networks measured for the predictor."""
        now = f"measuring what latency is predicted from: network {done} of {of}"
        before, self.drawn = self.drawn, [line((now, "dim"))]
        if self.console.moves:
            self.live.refresh()
        elif done in (0, of) and before != self.drawn:  # the last share of the work and its end tell the same
            self.console.say(now)

    def began(self, job: Job, run: Run) -> None:
        """Show a job that begins."""
        if self.done_before < 0:
            self.done_before = len(run.spent)
            self.draw(run)
        self.running[job.ticket] = Doing.of(job, run)
        if job.purpose == "confirm":
            self._confirm(run)
        self.count(run) if job.purpose == "search" else self._refresh()

    def ended(self, trial: Trial, run: Run) -> None:
        """Show a trial that is on disk."""
        self.running.pop(("search", trial.number, 0, 0), None)
        if trial.state == "rejected":
            self.rejected += 1
        elif not self.console.moves:
            total, after = run.config.budget.trials or "?", f", after {self.rejected} rejected" if self.rejected else ""
            self.console.say(f"[{len(run.spent)}/{total}] {trial_line(trial, run)}{after}")
            self.rejected = 0
        self.draw(run)
        self.count(run)

    def trained_further(self, further: Further, run: Run) -> None:
        """Show a further training of a trial."""
        purpose: Purpose = "confirm" if further.repeat else "promote"
        self.running.pop((purpose, further.trial, further.repeat, further.rung), None)
        if further.repeat:
            self._confirm(run)
        if not self.console.moves:
            again = f" to {length(run, further.rung)}" if purpose == "promote" else ""
            head = f"[{purpose}] trial {further.trial} {DONE[purpose]}{again}"
            self.console.say(f"{head}: {values(further.outcome, run)}")
        self.draw(run)

    def _confirm(self, run: Run) -> None:
        """Say, the first time, that trainings from other seeds are all that is left."""
        if self.start_confirming or _goes_on(run):
            return
        self.start_confirming, self.due = (time.monotonic(), _confirmed(run)), 0.0
        if not self.console.moves and run.config.promotion < 1:
            self.console.say("[confirm] the front and its nearest rivals are trained again, from other seeds")
        self.draw(run)

    def _count_confirmed(self, run: Run, start: float, before: int) -> None:
        """Update the progress of the trainings from other seeds, since they are all that is left."""
        done, left = _confirmed(run), len(missing(run))
        new, elapsed = done - before, time.monotonic() - start
        time_left = f"{duration(left * elapsed / new)} left" if new else ""
        self.progress.update(self.task, description="confirm", total=done + left, completed=done, left=time_left)

    def remeasured(self, job: Job, run: Run) -> None:
        """Show that values of the front were measured in full."""
        self.running.pop(job.ticket, None)
        if not self.console.moves:
            self.console.say(f"[front] trial {job.number} measured in full")
        self.draw(run)

    def count(self, run: Run) -> None:
        """Update the progress."""
        budget, done = run.config.budget, len(run.spent)
        new, elapsed = done - max(self.done_before, 0), time.monotonic() - self.start
        if budget.trials:
            left = f"{duration((budget.trials - done) * elapsed / new)} left" if new else ""
            self.progress.update(self.task, description="search", total=budget.trials, completed=done, left=left)
        elif budget.seconds:
            left = f"{duration(max(budget.seconds - run.elapsed, 0))} left"
            self.progress.update(self.task, total=budget.seconds, completed=run.elapsed, left=left)
        self._refresh()

    def draw(self, run: Run) -> None:
        """Draw the record anew if that is due: counts, front, and how it grew."""
        if not self.console.moves or (now := time.monotonic()) < self.due:
            return
        front, grown = run.front(), growing(run, self.console.width)
        self.drawn = [counts(run, len(front)), self.console.fitting(*front_tables(run, front, ROWS))]
        self.drawn += [line((f"{grown}\n", "dim"))] if grown else []
        if self.start_confirming:
            self._count_confirmed(run, *self.start_confirming)
        self._refresh()
        self.due = now + (time.monotonic() - now - FREE) / SHARE

    def picture(self) -> Group:
        """Put the picture together, with what each worker does by now."""
        doing = [workers(self.console, self.running.values())] if self.running else []
        return Group(self.progress, *self.drawn, *doing)

    def _refresh(self) -> None:
        if self.console.moves:
            self.live.refresh()

    @contextmanager
    def shown(self) -> Iterator["Display"]:
        """Show the picture within the block."""
        with self.live:
            yield self


def _confirmed(run: Run) -> int:
    return sum(one.repeat > 0 for one in run.further)


def _goes_on(run: Run) -> bool:
    """Tell whether new networks are still tried: with rungs, some are trained from other seeds meanwhile."""
    return (len(run.config.lengths) > 1 or run.config.promotion == 1) and not is_spent(run)
