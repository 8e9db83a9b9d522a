"""Results: the values of complete trials on the last rung, expected ones of those that did not come so far.

The best of many noisy values is likely to be too good. So a trained objective of a trial that was trained again from
other seeds is the mean of those trainings alone, without the one for which it was chosen.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.special import stdtrit  # scipy.stats takes most of a second to import

from nas.evaluation.catalogue import objective
from nas.evaluation.job import Outcome
from nas.network.architecture import Architecture
from nas.record.rungs import Reach, reach
from nas.record.trial import Further, Trial
from nas.training.chance import LEVEL

FEWEST = 3  # degrees of freedom below which an interval would say nothing
WIDEST = 0.5  # of a share: half an interval that holds all values or nearly all
Metrics = Mapping[str, float]
Climbed = dict[int, Metrics]
"""What a trial reached, by rung above the first."""


@dataclass(frozen=True)
class Result:
    """A view of a complete trial.

    `rung` is the highest on which it was trained. On the last one `metrics` are its own values or, where it was trained
    again by `repeats` more trainings, the means of those for a trained objective; below they are what is expected
    there. A measured objective is the median of all readings. `intervals` are half the widths of the 95 % intervals by
    objective: Student's, with one deviation for all confirmed trials, absent where these are few.

    `first` are the values of the trained objectives that the trial's own training came to, `doubts` the standard
    deviations by which further trainings would move their values.
    """

    trial: Trial
    metrics: Mapping[str, float]
    intervals: Mapping[str, float] = field(default_factory=dict)
    repeats: int = 0
    rung: int = 0
    first: Mapping[str, float] = field(default_factory=dict)
    doubts: Mapping[str, float] = field(default_factory=dict)

    @property
    def trainings(self) -> int:
        """How many trainings the values of the trained objectives are the mean of."""
        return max(self.repeats, 1)

    def __repr__(self) -> str:
        values = ", ".join(f"{name} {value:.4g}" for name, value in self.metrics.items())
        return f"Result(trial {self.number}, {self.layout}: {values})"

    @property
    def number(self) -> int:
        """The trial's number."""
        return self.trial.number

    @property
    def architecture(self) -> Architecture:
        """The trial's architecture."""
        return self.trial.architecture

    @property
    def key(self) -> str:
        """The architecture's key."""
        return self.trial.key

    @property
    def layout(self) -> str:
        """The stages as the letters of their blocks."""
        return self.trial.layout

    def named(self, run: str) -> Architecture:
        """Return the architecture, named after its run and its trial."""
        return replace(self.architecture, name=f"{run[:80]}_{self.number}")


def results(
    trials: Iterable[Trial], further: Iterable[Further], trained: Sequence[str], costs: Sequence[str], rungs: int
) -> list[Result]:
    """The results of the complete trials, in their order, without those that failed when they went on.

    Objectives in `trained` are known only after training, `costs` without; there are so many `rungs`.
    """
    climbed, repeats = defaultdict[int, Climbed](dict), defaultdict[int, list[Metrics]](list)
    further = list(further)
    for one in further:
        if one.outcome.state == "complete" and one.repeat:
            repeats[one.trial].append(one.outcome.metrics)
        elif one.outcome.state == "complete":
            climbed[one.trial][one.rung] = one.outcome.metrics
    for own in climbed.values():  # a damaged line may have been taken out: what lies above it waits for it
        for rung in [rung for rung in own if not own.keys() >= set(range(1, rung))]:
            del own[rung]
    fell = fallen(further)
    complete = [trial for trial in trials if trial.state == "complete" and trial.number not in fell]
    found = {name: _reach(name, complete, climbed, repeats, costs, rungs) for name in trained}
    widths = {name: _width([[again[name] for again in group] for group in repeats.values()]) for name in trained}
    values, doubts = ({name: getattr(r, which).tolist() for name, r in found.items()} for which in ("value", "doubt"))
    made = []
    for i, trial in enumerate(complete):
        group, own = repeats.get(trial.number, ()), climbed.get(trial.number, {})
        metrics = _measured(trial, [*own.values(), *group]) | {name: value[i] for name, value in values.items()}
        halves = {name: width / len(group) ** 0.5 for name, width in widths.items() if width is not None and group}
        intervals = {name: half for name, half in halves.items() if half < WIDEST or not objective(name).share}
        rung = max(own, default=0)
        first = {name: own.get(rung, trial.metrics)[name] for name in trained}
        doubt = {name: value[i] for name, value in doubts.items()}
        made.append(Result(trial, metrics, intervals, len(group), rung, first, doubt))
    return made


def _reach(
    name: str,
    trials: Sequence[Trial],
    climbed: Mapping[int, Climbed],
    repeats: Mapping[int, list[Metrics]],
    costs: Sequence[str],
    rungs: int,
) -> Reach:
    """Predict what trials reach in one objective on the last rung."""
    values = np.full((len(trials), rungs), np.nan)
    values[:, 0] = [trial.metrics[name] for trial in trials]
    row = {trial.number: i for i, trial in enumerate(trials)}
    for number in climbed.keys() & row.keys():
        for rung, metrics in climbed[number].items():
            values[row[number], rung] = metrics[name]
    known = np.array([[trial.metrics[cost] for cost in costs] for trial in trials]).reshape(len(trials), len(costs))
    again = {row[number]: [one[name] for one in repeats[number]] for number in repeats.keys() & row.keys()}
    return reach(values, known, again, share=objective(name).share)


def _measured(trial: Trial, further: Sequence[Metrics]) -> dict[str, float]:
    """Return the median of all readings of each objective."""
    if not further:  # as for most trials, and a search asks for its results after each
        return dict(trial.metrics)
    return {
        name: float(np.median([value, *(again[name] for again in further if name in again)]))
        for name, value in trial.metrics.items()
    }


def fallen(further: Iterable[Further]) -> dict[int, Outcome]:
    """The outcomes of trials that failed when they went on, by their numbers."""
    return {one.trial: one.outcome for one in further if not one.repeat and one.outcome.state != "complete"}


def highest(results: Iterable[Result]) -> int:
    """Return the highest rung that one of some results came to."""
    return max((result.rung for result in results), default=0)


def flattery(results: Iterable[Result], name: str) -> float:
    """The mean by which the own trainings of confirmed trials lie above the means of further ones."""
    gaps = [result.first[name] - result.metrics[name] for result in results if result.repeats]
    return float(np.mean(gaps)) if gaps else 0.0


def _width(groups: list[list[float]]) -> float | None:
    """Half the width of the interval of one training, from the deviations within the groups."""
    freedom = sum(len(group) - 1 for group in groups)
    if freedom < FEWEST:
        return None
    squares = sum(float(np.var(group)) * len(group) for group in groups)
    return float(stdtrit(freedom, (1 + LEVEL) / 2) * (squares / freedom) ** 0.5)
