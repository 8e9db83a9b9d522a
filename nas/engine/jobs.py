"""The jobs of a search: from its sources in turn, and their outcomes back to them."""

from nas.engine.front_measurer import FrontMeasurer
from nas.engine.ladder import Ladder
from nas.engine.proposer import Proposer
from nas.engine.watcher import Source, Watcher
from nas.evaluation.job import Job, Outcome, Purpose
from nas.record.run import Run


class Jobs:
    """Chooses what is trained or measured next, notes what begins, and takes outcomes."""

    def __init__(self, run: Run, watcher: Watcher, proposer: Proposer) -> None:
        self.run, self.watcher, self.proposer = run, watcher, proposer
        self.ladder = Ladder(run, watcher, proposer.elapsed, proposer.running)
        measurer = FrontMeasurer(run, watcher)
        self.sources: tuple[Source, ...] = (proposer, self.ladder, measurer)
        self.home: dict[Purpose, Source] = {
            "search": proposer, "promote": self.ladder, "confirm": self.ladder, "measure": measurer
        }  # fmt: skip

    def choose(self) -> Job | None:
        """Return the next job, or None when there is none for now."""
        if job := self.ladder.climb():
            return job
        for source in self.sources:
            if (job := source.ask()) or source.running:  # the next source begins when this one has ended
                return job
        return None

    def begin(self, job: Job) -> bool:
        """Note that a job begins, or drop a new network that was chosen before the time of the search was over."""
        if job.purpose == "search" and self.proposer.late():
            self.proposer.drop(job)
            return False
        self.watcher.began(job, self.run)
        return True

    def tell(self, job: Job, outcome: Outcome) -> None:
        """Let the job's source record its outcome."""
        self.home[job.purpose].tell(job, outcome)
