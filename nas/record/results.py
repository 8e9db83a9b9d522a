"""Results: the values of complete trials, as means with intervals where a trial was trained again.

The best of many noisy values is likely to be too good. So a trained objective of a confirmed trial is the mean of its
further trainings alone, without the one for which it was chosen.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.special import stdtrit  # scipy.stats takes most of a second to import

from nas.network.architecture import Architecture
from nas.record.trial import Confirmation, Trial

LEVEL = 0.95
FEWEST = 3  # degrees of freedom below which an interval would say nothing


@dataclass(frozen=True)
class Result:
    """A view of a complete trial.

    `metrics` are its own values or, where it was trained again `trainings` times, the means of those trainings for a
    trained objective and the median of all readings for a measured one. `intervals` are half the widths of the 95 %
    intervals by objective: Student's, with one deviation for all confirmed trials, absent where these are few.
    """

    trial: Trial
    metrics: Mapping[str, float]
    intervals: Mapping[str, float] = field(default_factory=dict)
    trainings: int = 0

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


def results(trials: Iterable[Trial], confirmations: Iterable[Confirmation], trained: Sequence[str]) -> list[Result]:
    """The results of the complete trials, in their order. Objectives in `trained` are known only after training."""
    repeats = defaultdict[int, list[Mapping[str, float]]](list)
    for confirmation in confirmations:
        if confirmation.outcome.state == "complete":
            repeats[confirmation.trial].append(confirmation.outcome.metrics)
    widths = {name: _width([[again[name] for again in group] for group in repeats.values()]) for name in trained}
    complete = (trial for trial in trials if trial.state == "complete")
    return [_confirmed(t, repeats[t.number], widths) if t.number in repeats else Result(t, t.metrics) for t in complete]


def flattery(results: Iterable[Result], name: str) -> float:
    """The mean by which first trainings of confirmed trials lie above the means of further ones."""
    gaps = [result.trial.metrics[name] - result.metrics[name] for result in results if result.trainings]
    return float(np.mean(gaps)) if gaps else 0.0


def _confirmed(trial: Trial, repeats: Sequence[Mapping[str, float]], widths: Mapping[str, float | None]) -> Result:
    metrics = {}
    for name, value in trial.metrics.items():
        again = [values[name] for values in repeats if name in values]
        metrics[name] = float(np.mean(again)) if name in widths else float(np.median([value, *again]))
    intervals = {name: width / len(repeats) ** 0.5 for name, width in widths.items() if width is not None}
    return Result(trial, metrics, intervals, len(repeats))


def _width(groups: list[list[float]]) -> float | None:
    """Half the width of the interval of one training, from the deviations within the groups."""
    freedom = sum(len(group) - 1 for group in groups)
    if freedom < FEWEST:
        return None
    squares = sum(float(np.var(group)) * len(group) for group in groups)
    return float(stdtrit(freedom, (1 + LEVEL) / 2) * (squares / freedom) ** 0.5)
