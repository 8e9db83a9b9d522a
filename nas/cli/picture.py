"""Draw the parts of a running search's picture, and write its lines for a log."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from rich.table import Table
from rich.text import Text

from nas.cli.strip import strip
from nas.cli.terminal import Terminal, line
from nas.engine.executors import Placement
from nas.evaluation.job import Job, Outcome, Purpose
from nas.evaluation.units import duration, epochs, show
from nas.record.analysis.failures import tally
from nas.record.run import Run
from nas.record.trial import Trial

DONE: dict[Purpose, str] = {
    "search": "trained", "promote": "trained on", "confirm": "trained again", "measure": "measured in full"
}  # fmt: skip
RUNNING = 8  # lines for the trials that run


@dataclass(frozen=True)
class Doing:
    """A job that a worker does, and since when by the clock of this process."""

    job: Job
    what: str
    since: float = field(default_factory=time.monotonic)

    @classmethod
    def of(cls, job: Job, run: Run) -> "Doing":
        """Say what is done of a job that begins."""
        long = f" for {length(run, job.rung)}" if len(run.config.lengths) > 1 else ""
        what = {
            "search": f"training{long}",
            "promote": f"training on, to {length(run, job.rung)}",
            "confirm": f"training again, from seed {job.repeat}",
            "measure": f"measuring {', '.join(job.asked)} in full",
        }
        return cls(job, what[job.purpose])

    @property
    def lasted(self) -> str:
        """How long it has taken by now."""
        seconds = time.monotonic() - self.since
        return f"{seconds:.0f} s" if seconds < 60 else duration(seconds)


def workers(console: Terminal, running: Iterable[Doing]) -> Table:
    """Draw what each worker does: trial, network, doing, since when. A narrow terminal gets no network."""
    doing = list(running)
    return console.fitting(*(_workers(doing, networks) for networks in (True, False)))


def _workers(doing: list[Doing], networks: bool) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), style="dim")
    table.add_column(no_wrap=True)
    for one in doing[:RUNNING]:
        network = [strip(one.job.architecture, one.job.architecture.layout())] if networks else []
        table.add_row(f"trial {one.job.number}", *network, one.what, line(one.lasted))
    if len(doing) > RUNNING:
        table.add_row(f"and {len(doing) - RUNNING} more")
    return table


def counts(run: Run, on_front: int) -> Text:
    """Write how many networks are trained, failed, rejected and on the front."""
    count, last = tally(run), len(run.config.lengths) - 1
    far = [(sum(result.rung == last for result in run.results), "cyan", f"of them for {length(run, last)}")]
    told = [
        (count.trained, "bold", "trained"), *(far if last else []), (count.failed, "red", "failed"),
        (count.rejected, "yellow", "rejected"), (on_front, "green", "on the front"),
    ]  # fmt: skip
    return Text("   ").join(line((str(number), style), f" {what}") for number, style, what in told)


def placed(placement: Placement, run: Run) -> str:
    """Say how many trials run at once and where, and whether nas chose that, or nothing for one worker here."""
    if placement.workers == 1 and placement.ray is None:
        return ""
    where = f"the Ray cluster {placement.ray}" if placement.ray else "this machine"
    count = f"{placement.workers} workers" if placement.workers else "as many workers as fit"
    part = "a measured part" if placement.gpu_share else f"{placement.gpus:g}"
    there = " if there is one" if placement.gpu_optional else ""
    share = f", {part} of a GPU each{there}" if placement.gpus else ""
    chosen = " (chosen; --workers 1 repeats a search exactly)" if run.config.workers == "auto" else ""
    return f"{count} on {where}{share}{chosen}"


def trial_line(trial: Trial, run: Run) -> str:
    """Write a trial in one line, for a pipe or a log."""
    return f"trial {trial.number} {trial.layout} {values(trial.outcome, run)}"


def values(outcome: Outcome, run: Run) -> str:
    """Write the objectives of an outcome, or why there are none."""
    if outcome.state != "complete":
        return f"{outcome.state}: {outcome.reason}"
    return " ".join(f"{name} {show(name, outcome.metrics[name])}" for name in run.config.objectives)


def length(run: Run, rung: int) -> str:
    """Say how long trainings of a rung are."""
    return epochs(run.config.epochs[rung])
