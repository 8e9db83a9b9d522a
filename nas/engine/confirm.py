"""After the budget: an honest front, and its measured values taken again in full.

The best of many noisy values flatters itself. So the front and its nearest rivals are trained again with other seeds,
and the front is drawn anew from the means. Then what was only predicted, or read in haste, is measured where the
networks will run.
"""

from collections.abc import Callable

from nas import pareto
from nas.engine.proposer import derive_seed
from nas.engine.watcher import Watcher
from nas.evaluation.catalogue import objectives
from nas.evaluation.job import Job, Outcome
from nas.record.results import Result
from nas.record.run import Run
from nas.record.trial import Confirmation
from nas.registry import FILE_TARGET

RIVALS = 10  # one in so many of the trained is worth a second look, the front among them


class Confirmer:
    """Asks for further trainings until every result of the front has had its share; writes them down."""

    def __init__(self, run: Run, watcher: Watcher, clock: Callable[[], float]) -> None:
        self.run, self.watcher, self.clock = run, watcher, clock
        self.running: set[tuple[int, int]] = set()

    def ask(self) -> Job | None:
        """The next training, or None when none is left to ask for now."""
        for result, repeat in missing(self.run):
            if (result.number, repeat) not in self.running:
                self.running.add((result.number, repeat))
                seed = derive_seed(self.run.config.seed, result.number, repeat)
                job = Job(result.number, result.architecture, seed, purpose="confirm", repeat=repeat)
                self.watcher.began(job, self.run)
                return job
        return None

    def tell(self, job: Job, outcome: Outcome) -> None:
        """Write a further training down."""
        self.running.remove((job.number, job.repeat))
        confirmation = Confirmation(job.number, job.repeat, outcome, round(self.clock(), 3))
        self.run.append_confirmation(confirmation)
        self.watcher.confirmed(confirmation, self.run)


class FrontMeasurer:
    """Asks for the values of the front that are still to be read in full; writes them down."""

    def __init__(self, run: Run, watcher: Watcher) -> None:
        self.run, self.watcher = run, watcher
        self.running: set[int] = set()
        self.failed: set[int] = set()
        elsewhere = run.config.target.startswith(FILE_TARGET)
        asked = {} if elsewhere else objectives(run.config.objectives)
        self.asked = {name: found for name, found in asked.items() if found.timed}

    def ask(self) -> Job | None:
        """The next network to measure, or None when none is left to ask for now."""
        for result in self.run.front():
            names = self._unsure(result)
            if names and result.number not in self.running | self.failed:
                self.running.add(result.number)
                job = Job(result.number, result.architecture, self.run.config.seed, purpose="measure", asked=names)
                self.watcher.began(job, self.run)
                return job
        return None

    def _unsure(self, result: Result) -> tuple[str, ...]:
        """The objectives of which a result has no sure value."""
        readings = result.trial.outcome.readings
        return tuple(
            name
            for name, found in self.asked.items()
            if found.remeasured(readings.get(name, {})) and result.key not in self.run.front_values(name)
        )

    def tell(self, job: Job, outcome: Outcome) -> None:
        """Write values down; a network that could not be measured keeps what it has."""
        self.running.remove(job.number)
        if outcome.state != "complete":
            self.failed.add(job.number)
        for name, value in outcome.metrics.items():
            self.run.keep_front_reading(name, job.architecture.key(), value, outcome.readings.get(name, {}))
        self.watcher.remeasured(job, self.run)


def missing(run: Run) -> list[tuple[Result, int]]:
    """The trainings that are still to be done: a result, and the number of the further training."""
    done = {(c.trial, c.repeat) for c in run.confirmations}
    repeats = range(1, run.config.confirm + 1) if run.trained_objectives else ()
    return [(r, repeat) for r in contenders(run) for repeat in repeats if (r.number, repeat) not in done]


def contenders(run: Run) -> list[Result]:
    """The front as it stands, and its nearest rivals, which only the front dominates: a tenth of what was trained."""
    found = run.results
    layer = {int(i) for i in pareto.front(run.points(found), run.maximize)}
    front = [found[i] for i in sorted(layer)]
    rest = [result for i, result in enumerate(found) if i not in layer]
    rivals = [rest[i] for i in pareto.front(run.points(rest), run.maximize)]
    return front + rivals[: max(len(run.spent) // RIVALS - len(front), 0)]
