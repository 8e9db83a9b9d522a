"""What the sections of a run's report share: the run's front, the pick, a colour and a letter for each block."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from nas import document
from nas.evaluation import units
from nas.evaluation.job import Outcome
from nas.evaluation.picks import KNEE
from nas.files import Json
from nas.record.analysis.failures import failed_trials
from nas.record.folders import SPACE
from nas.record.picking import Picked
from nas.record.results import Result
from nas.record.run import Run
from nas.record.trial import Trial
from nas.report.charts import colours_of
from nas.space.schema import fields


@dataclass(frozen=True)
class View:
    """A run as its report sees it; each part is worked out once."""

    run: Run

    @cached_property
    def front(self) -> list[Result]:
        """The Pareto-optimal results, sorted by the last objective."""
        return self.run.front()

    @cached_property
    def picked(self) -> Picked:
        """The network for which the run stands."""
        return self.run.picked

    @property
    def star(self) -> str:
        """What the page calls that network."""
        return "knee" if self.run.config.pick == KNEE else "pick"

    @cached_property
    def colours(self) -> dict[str, str]:
        """A colour for every block the search may use, in the order of the space's file."""
        stages = fields(document.read(self.run.folder / SPACE)).stages
        return colours_of(block for stage in stages for block in stage.block)

    @cached_property
    def letters(self) -> dict[str, str]:
        """The letter by which layouts abbreviate each block, read off the trials: `{"conv": "C", "moat": "A"}`."""
        pairs: dict[str, str] = {}
        for trial in self.run.trials:
            blocks = (stage.block for stage in trial.architecture.stages)
            pairs |= zip(blocks, trial.layout.split("-"), strict=True)
        return {block: pairs[block] for block in self.colours if block in pairs}

    @cached_property
    def failed(self) -> list[Trial]:
        """The trials that failed, at first or when they went on, with the reason."""
        return failed_trials(self.run)

    @cached_property
    def again(self) -> dict[str, dict[str, Json]]:
        """The readings that were taken again on the front, by objective and the key of the architecture."""
        names = {name for result in self.front for name in result.metrics}
        return {name: found for name in sorted(names) if (found := self.run.front_readings(name))}

    @property
    def rejected(self) -> list[Trial]:
        """The trials that broke a limit before their training."""
        return [trial for trial in self.run.trials if trial.state == "rejected"]

    @cached_property
    def designs(self) -> dict[str, str]:
        """The names of the designs that the search began with, by the keys of their networks in the space."""
        names: dict[str, list[str]] = {}
        for seed in self.run.seal.get("seeds", ()):
            names.setdefault(seed["key"], []).append(seed["name"] if seed["exact"] else f"near {seed['name']}")
        return {key: ", ".join(found) for key, found in names.items()}

    @cached_property
    def _outcomes(self) -> dict[int, list[Outcome]]:
        """The outcomes of a trial and of its further trainings that were complete, by its number."""
        found = {trial.number: [trial.outcome] for trial in self.run.trials}
        for one in self.run.further:
            if one.outcome.state == "complete":
                found.setdefault(one.trial, []).append(one.outcome)
        return found

    def ranges(self, trial: Trial, name: str) -> list[float]:
        """Return the interquartile range of each measurement of an objective, of whose values a result has the median.

        A measurement of time has its range in milliseconds, also where the value is a rate.
        """
        found = []
        for outcome in self._outcomes[trial.number]:
            reading = outcome.readings.get(name, {})
            width, middle = (reading.get(key) for key in ("iqr", "median"))  # of a plug-in they may be anything
            if name in outcome.metrics and isinstance(width, int | float) and width:
                share = outcome.metrics[name] / middle if isinstance(middle, int | float) and middle else 1.0
                found.append(float(width * share))
        return found

    def spread(self, trial: Trial, name: str) -> float:
        """Return the widest interquartile range of an objective's measurements, or 0 where there is none."""
        return max(self.ranges(trial, name), default=0.0)

    def unit(self, name: str, results: Iterable[Result]) -> units.Unit:
        """Return one unit for an objective's values in all of these results."""
        return units.unit_of(name, [result.metrics[name] for result in results if name in result.metrics])


def main_block(result: Result) -> str:
    """The block that a network has most of, the later stage's where two are even."""
    count: Counter[str] = Counter()
    for stage in reversed(result.architecture.stages):
        count[stage.block] += stage.depth
    return count.most_common(1)[0][0]
