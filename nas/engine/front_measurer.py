"""Measure the front in full at the end: what was predicted, or measured in haste, where the networks will run."""

from collections.abc import Collection, Mapping

from nas.engine.watcher import Watcher
from nas.evaluation.catalogue import objectives
from nas.evaluation.job import Job, Outcome
from nas.record.results import Result
from nas.record.run import Run


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
                return Job(result.number, result.architecture, self.run.config.seed, purpose="measure", asked=names)
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
        """Record measured values. A network that could not be measured keeps those that are missing."""
        self.running.remove(job.number)
        if outcome.state != "complete":
            self.failed.add(job.number)
            if kept := ", ".join(name for name in job.asked if name not in outcome.metrics):
                self.watcher.warned(f"trial {job.number} could not be measured again and keeps {kept} as it was: "
                                    f"{outcome.reason}")  # fmt: skip
        for name, value in outcome.metrics.items():
            self.run.keep_front_reading(name, job.architecture.key(), value, outcome.readings.get(name, {}))
        self.watcher.remeasured(job, self.run)
