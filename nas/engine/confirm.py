"""An honest front: what the search chose is trained again with other seeds, and the front drawn anew from the means.

The best of many noisy values flatters itself. So a confirmed trial stands for the mean of its further trainings alone,
without the one for which it was chosen.
"""

from collections.abc import Callable

from nas import pareto
from nas.engine.proposer import Watcher, derive_seed
from nas.evaluation.job import Job, Outcome
from nas.record.journal import Confirmation, Trial
from nas.record.run import Run

RIVALS = 10  # one in so many of the trained is worth a second look, the front among them


class Confirmer:
    """Asks for further trainings until every trial on the front has had its share; writes them down."""

    def __init__(self, run: Run, watcher: Watcher, clock: Callable[[], float]) -> None:
        self.run, self.watcher, self.clock = run, watcher, clock
        self.running: set[tuple[int, int]] = set()

    def ask(self) -> Job | None:
        """The next training, or None when none is left to ask for now."""
        for trial, repeat in missing(self.run):
            if (trial.number, repeat) not in self.running:
                self.running.add((trial.number, repeat))
                seed = derive_seed(self.run.config.seed, trial.number, repeat)
                job = Job(trial.number, trial.load(), seed, repeat=repeat)
                self.watcher.began(job, self.run)
                return job
        return None

    def tell(self, job: Job, outcome: Outcome) -> None:
        """Write a further training down."""
        self.running.remove((job.number, job.repeat))
        confirmation = Confirmation(
            trial=job.number,
            repeat=job.repeat,
            state="complete" if outcome.state == "complete" else "failed",
            metrics=outcome.metrics,
            seconds={step: round(s, 4) for step, s in outcome.seconds.items()},
            reason=outcome.reason,
            ended=round(self.clock(), 3),
        )
        self.run.append_confirmation(confirmation)
        self.watcher.confirmed(confirmation, self.run)


def missing(run: Run) -> list[tuple[Trial, int]]:
    """The trainings that are still to be done: a trial, and the how-many-eth of its further trainings."""
    done = {(c.trial, c.repeat) for c in run.confirmations}
    repeats = range(1, run.config.confirm + 1) if run.trained_objectives else ()
    return [(t, repeat) for t in contenders(run) for repeat in repeats if (t.number, repeat) not in done]


def contenders(run: Run) -> list[Trial]:
    """The front as it stands, and its nearest rivals, which only the front dominates: a tenth of what was trained."""
    complete = run.complete
    layer = {int(i) for i in pareto.front(run.points(complete), run.maximize)}
    front = [complete[i] for i in sorted(layer)]
    rest = [trial for i, trial in enumerate(complete) if i not in layer]
    rivals = [rest[i] for i in pareto.front(run.points(rest), run.maximize)]
    return front + rivals[: max(len(run.trained) // RIVALS - len(front), 0)]
