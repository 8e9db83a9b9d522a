"""On what footing runs are compared: after as many trainings, of one length, by first trainings where some have others.

A run that was cut short has few networks on its highest rung, or none, and another's longer trainings are more accurate
whatever its search was worth.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from nas.evaluation import units
from nas.record.analysis.growth import EDGE, Floats, Frame, Growth, growth, losses_of, trainings_of
from nas.record.opening import names_of
from nas.record.results import highest
from nas.record.run import Run


@dataclass(frozen=True)
class Footing:
    """What the runs with the same objectives have in common, each of which has a result."""

    runs: tuple[Run, ...]

    @cached_property
    def trainings(self) -> int:
        """The number of trainings after which all runs are compared: that of the shortest."""
        return min(trainings_of(run) for run in self.runs)

    @cached_property
    def rungs(self) -> dict[Path, int]:
        """The rung that each run is compared on, by folder: the highest that is no longer than all came to by then."""
        reached = [self._reached(run) for run in self.runs]
        shortest = min(epochs_on(run, rung) for run, rung in zip(self.runs, reached, strict=True))
        return {
            run.folder: max((r for r in range(1, rung + 1) if epochs_on(run, r) <= shortest), default=0)
            for run, rung in zip(self.runs, reached, strict=True)
        }

    def _reached(self, run: Run) -> int:
        rungs = range(highest(run.results), 0, -1)
        return next((rung for rung in rungs if len(losses_of(run, self.trainings, rung))), 0)

    @cached_property
    def first(self) -> bool:
        """Whether first trainings alone count, as of some runs those from other seeds would and of others none."""
        return len({self._again(run) for run in self.runs}) > 1

    def _again(self, run: Run) -> bool:
        """Tell whether a run has trainings from other seeds, which are on its highest rung, where it is compared."""
        return self.rungs[run.folder] == highest(run.results) and any(one.repeat for one in run.further)

    @cached_property
    def frame(self) -> Frame:
        """The frame within which hypervolumes are measured: around all results of all runs."""
        return Frame.of(np.concatenate([self._losses(run, None) for run in self.runs]))

    def losses(self, run: Run) -> Floats:
        """Return a run's values `(results, objectives)` after as many trainings; less is better."""
        return self._losses(run, self.trainings)

    def _losses(self, run: Run, trainings: int | None) -> Floats:
        return losses_of(run, trainings, self.rungs[run.folder], first=self.first)

    def attained(self, run: Run) -> Floats:
        """Return the same, or the frame's worst point where there is none, so that the run counts as one."""
        losses = self.losses(run)
        return losses if len(losses) else (self.frame.low + EDGE * self.frame.span)[None]

    def growth(self, run: Run) -> Growth:
        """Follow a run's front on its rung, within the frame of all."""
        return growth(run, self.frame, rung=self.rungs[run.folder], first=self.first)

    def sentences(self) -> list[str]:
        """Say which values are compared where they are not those of the runs' own reports, or not of one length."""
        told = []
        lengths = {
            name: epochs_on(run, self.rungs[run.folder])
            for name, run in zip(names_of(self.runs), self.runs, strict=True)
        }
        if len(set(lengths.values())) > 1:
            each = ", ".join(f"{units.epochs(count)} of {name}" for name, count in lengths.items())
            told.append(f"Trainings are not of one length: {each}. Longer ones are more accurate, whatever a search is "
                        "worth.")  # fmt: skip
        elif any(self.rungs[run.folder] < highest(run.results) for run in self.runs):
            length = units.epochs(*set(lengths.values()))
            told.append(f"Values are those of trainings of {length}, the longest that all of these runs came to within "
                        f"{self.trainings} trainings: what a ladder trained longer does not count.")  # fmt: skip
        if self.first:
            told.append(f"Fronts of some of these runs were trained again from other seeds, {self._others()}, so the "
                        "values compared are those of first trainings.")  # fmt: skip
        return told

    def _others(self) -> str:
        """Say why of other runs no trainings from other seeds count."""
        others = [run for run in self.runs if not self._again(run)]
        longer = [run for run in others if any(one.repeat for one in run.further)]
        said = [] if len(longer) == len(others) else ["of others not"]
        return " and ".join([*said, *(["of others at another length than is compared"] if longer else [])])


def epochs_on(run: Run, rung: int) -> int:
    """Return the number of epochs that a training has come to at the end of a rung."""
    return run.config.recipe.epochs * run.config.lengths[rung]
