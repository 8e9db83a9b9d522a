"""Train the front again once the budget is spent, then measure it in full.

The best of many noisy values is better than its network is. So the front and its nearest rivals are trained again with
other seeds, and the front is drawn anew from the means. Then values that were predicted, or measured in haste, are
measured where the networks will run.
"""

from collections.abc import Callable, Collection, Mapping

from nas import pareto
from nas.engine.watcher import Watcher
from nas.evaluation.catalogue import objectives
from nas.evaluation.job import Job, Outcome, derive_seed
from nas.record.results import Result
from nas.record.run import Run
from nas.record.trial import Confirmation

RIVALS = 10  # one trial in so many is trained again, those of the front included


class Confirmer:
    """Asks for further trainings until every result of the front has its number of them, and records them."""

    def __init__(self, run: Run, watcher: Watcher, clock: Callable[[], float]) -> None:
        self.run, self.watcher, self.clock = run, watcher, clock
        self.running: set[tuple[int, int]] = set()

    def ask(self) -> Job | None:
        """Return the next training, or None when there is none for now."""
        for result, repeat in missing(self.run):
            if (result.number, repeat) not in self.running:
                self.running.add((result.number, repeat))
                seed = derive_seed(self.run.config.seed, result.number, repeat)
                job = Job(result.number, result.architecture, seed, purpose="confirm", repeat=repeat)
                self.watcher.began(job, self.run)
                return job
        return None

    def tell(self, job: Job, outcome: Outcome) -> None:
        """Record a further training."""
        self.running.remove((job.number, job.repeat))
        confirmation = Confirmation(job.number, job.repeat, outcome, round(self.clock(), 3))
        self.run.append_confirmation(confirmation)
        self.watcher.confirmed(confirmation, self.run)


class FrontMeasurer:
    """Asks for the values of the front that are still to be measured in full, and records them."""

    def __init__(self, run: Run, watcher: Watcher) -> None:
        self.run, self.watcher = run, watcher
        self.running: set[int] = set()
        self.failed: set[int] = set()
        asked = {} if run.config.device_file else objectives(run.config.objectives)
        self.asked = {name: found for name, found in asked.items() if found.timed}

    def ask(self) -> Job | None:
        """Return the next network to measure, or None when there is none for now."""
        sure = {name: self.run.front_values(name).keys() for name in self.asked}
        for result in self.run.front():
            names = self._unsure(result, sure)
            if names and result.number not in self.running | self.failed:
                self.running.add(result.number)
                job = Job(result.number, result.architecture, self.run.config.seed, purpose="measure", asked=names)
                self.watcher.began(job, self.run)
                return job
        return None

    def _unsure(self, result: Result, sure: Mapping[str, Collection[str]]) -> tuple[str, ...]:
        """Return the objectives whose value is still to be measured in a result, given the keys that are `sure`."""
        readings = result.trial.outcome.readings
        return tuple(
            name
            for name, found in self.asked.items()
            if found.remeasured(readings.get(name, {})) and result.key not in sure[name]
        )

    def tell(self, job: Job, outcome: Outcome) -> None:
        """Record measured values. A network that could not be measured keeps those it has."""
        self.running.remove(job.number)
        if outcome.state != "complete":
            self.failed.add(job.number)
        for name, value in outcome.metrics.items():
            self.run.keep_front_reading(name, job.architecture.key(), value, outcome.readings.get(name, {}))
        self.watcher.remeasured(job, self.run)


def missing(run: Run) -> list[tuple[Result, int]]:
    """List the trainings still to be done, each as a result and the number of its further training."""
    done = {(c.trial, c.repeat) for c in run.confirmations}
    repeats = range(1, run.config.confirm + 1) if run.trained_objectives else ()
    return [(r, repeat) for r in contenders(run) for repeat in repeats if (r.number, repeat) not in done]


def contenders(run: Run) -> list[Result]:
    """Return the front, filled up to a tenth of all trials with rivals that only the front dominates."""
    found = run.results
    layer = {int(i) for i in pareto.front(run.points(found), run.maximize)}
    front = [found[i] for i in sorted(layer)]
    rest = [result for i, result in enumerate(found) if i not in layer]
    rivals = [rest[i] for i in pareto.front(run.points(rest), run.maximize)]
    return front + rivals[: max(len(run.spent) // RIVALS - len(front), 0)]
