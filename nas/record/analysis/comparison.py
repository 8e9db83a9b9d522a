"""Runs side by side: which side's fronts are better, where, and whether by more than chance.

Hypervolumes are those within one frame for all runs, after as many trainings as every run had. Fronts of a side are
summed up by its attainment surfaces (Grunert da Fonseca, Fonseca, Hall, EMO 2001): the values that half of its runs
attained, or a quarter, or three quarters.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import comb
from pathlib import Path

import moocore
import numpy as np

from nas.errors import SettingError
from nas.files import Json
from nas.record.analysis.comparable import check_data, check_times, unknown_devices
from nas.record.analysis.footing import Footing
from nas.record.analysis.growth import Floats, Growth
from nas.record.analysis.leads import Lead, changes, leads_of, where_ahead
from nas.record.analysis.sides import Side, sides_of
from nas.record.opening import Named, names_of, open_runs
from nas.record.run import Run
from nas.training.chance import LEVEL

QUARTILES = (25.0, 50.0, 75.0)
WAYS = 20_000  # of dealing out runs to two sides, beyond which the test's normal limit is close enough


@dataclass(frozen=True)
class Test:
    """Mann and Whitney's test of one side's hypervolumes against another's.

    `chance` is the probability that a run of the first side beats one of the other (Vargha and Delaney, 2000), `p`
    two-sided and exact, `least` the smallest p that so few runs can give.
    """

    first: str
    other: str
    chance: float
    p: float
    least: float


@dataclass(frozen=True)
class Comparison:
    """One side or more of runs with the same objectives and data; what compares sides is empty for one."""

    sides: tuple[Side, ...]

    @property
    def runs(self) -> list[Run]:
        """All runs, side by side."""
        return [run for side in self.sides for run in side.runs]

    @cached_property
    def names(self) -> dict[Path, str]:
        """What each run is called, by its folder."""
        return dict(zip((run.folder for run in self.runs), names_of(self.runs), strict=True))

    @property
    def objectives(self) -> tuple[str, ...]:
        """The objectives of all runs."""
        return self.sides[0].runs[0].config.objectives

    @cached_property
    def signs(self) -> Floats:
        """-1 for an objective that is maximised, 1 for one that is minimised."""
        return np.where(self.sides[0].runs[0].maximize, -1.0, 1.0)

    @cached_property
    def footing(self) -> Footing:
        """What is compared: after how many trainings, of which length."""
        return Footing(tuple(self.runs))

    @property
    def trainings(self) -> int:
        """The number of trainings after which all runs are compared: that of the shortest."""
        return self.footing.trainings

    @cached_property
    def growths(self) -> list[list[Growth]]:
        """The growth of every run's front, by side."""
        return [[self.footing.growth(run) for run in side.runs] for side in self.sides]

    def hypervolumes(self, side: Side) -> list[float]:
        """Return the share of the frame that each run of a side dominates after as many trainings as every run had."""
        return [self._shares[run.folder] for run in side.runs]

    @cached_property
    def _shares(self) -> dict[Path, float]:
        return {run.folder: self.footing.frame.share(self.footing.losses(run)) for run in self.runs}

    def best(self, side: Side) -> list[float | None]:
        """Return each run's best value of the first objective after as many trainings, if any came to the last rung."""
        found = (self.footing.losses(run)[:, 0] for run in side.runs)
        return [float(self.signs[0] * losses.min()) if len(losses) else None for losses in found]

    def surface(self, side: Side, percent: float) -> Floats:
        """Return the front of losses in the first two objectives that this percentage of a side's runs attained."""
        sets = [self.footing.attained(run)[:, :2] for run in side.runs]
        numbers = np.repeat(np.arange(len(sets)), [len(losses) for losses in sets])
        found = moocore.eaf(np.concatenate(sets), numbers, percentiles=[percent])
        return np.asarray(found[:, :-1], float)

    @cached_property
    def tests(self) -> list[Test]:
        """A test for each two sides that have two runs or more."""
        several = [side for side in self.sides if len(side.runs) > 1]
        pairs = [(one, other) for i, one in enumerate(several) for other in several[i + 1 :]]
        return [_test(one.name, self.hypervolumes(one), other.name, self.hypervolumes(other)) for one, other in pairs]

    @cached_property
    def leads(self) -> list[Lead]:
        """Where along the second of two objectives whose median front is ahead, empty for more objectives."""
        if len(self.objectives) != 2 or len(self.sides) == 1:
            return []
        return leads_of([(side.name, self.surface(side, 50.0)) for side in self.sides], float(self.signs[1]))

    @cached_property
    def sure(self) -> list[Test]:
        """The tests that find more than chance gives, with all of them in mind (Bonferroni)."""
        return [test for test in self.tests if test.p * len(self.tests) < 1 - LEVEL]

    @cached_property
    def winner(self) -> str:
        """The side whose runs beat those of each other side by more than chance, empty where none does."""
        wins = Counter(test.first if test.chance > 0.5 else test.other for test in self.sure)
        return next((name for name, beaten in wins.items() if beaten == len(self.sides) - 1), "")

    @property
    def leads_beyond_chance(self) -> bool | None:
        """Whether the leads are more than chance gives, None where so few runs cannot tell or there are none."""
        ahead = {lead.side for lead in self.leads if lead.side}
        if not ahead:
            return None
        if ahead == {self.winner}:
            return True
        blind = any(test.least * len(self.tests) >= 1 - LEVEL for test in self.tests)
        return None if blind or self.sure or any(len(side.runs) == 1 for side in self.sides) else False

    def facts(self) -> Json:
        """Return the comparison as plain data."""
        return {
            "objectives": list(self.objectives),
            "trainings": self.trainings,
            "sides": [
                {"name": side.name, "runs": [str(run.folder) for run in side.runs], "hypervolumes": shares}
                for side, shares in ((side, self.hypervolumes(side)) for side in self.sides)
            ],
            "tests": [vars(test) for test in self.tests],
            "leads": [vars(lead) for lead in self.leads],
            "leads_beyond_chance": self.leads_beyond_chance,
        }

    def sentences(self) -> list[str]:
        """Say what can be said of the difference between the sides, first which values are compared."""
        told = self.footing.sentences()
        if self.leads:
            told.append(self._ahead())
        if len(self.sides) == 1:
            told.append(f"There is one side: the {len(self.runs)} runs differ in nothing but the seed, so how far they "
                        "scatter is chance.")  # fmt: skip
        told += unknown_devices(self.runs)
        several = f", Bonferroni for {len(self.tests)} tests" if len(self.tests) > 1 else ""
        for test in self.tests:
            sure = "more than chance" if test in self.sure else "no more than chance would give"
            p, least = (f"{min(one * len(self.tests), 1.0):.2g}" for one in (test.p, test.least))
            told.append(f"A run with {test.first} beats one with {test.other} in {test.chance:.0%} of the pairs, {sure}"
                        f" (Mann-Whitney{several}, p = {p}; so few runs can give {least} at least).")  # fmt: skip
        if alone := [side.name for side in self.sides if len(side.runs) == 1]:
            *rest, last = (f"one run with {name}" for name in alone)
            each = f"{', '.join(rest)} and {last}" if rest else last
            told.append(f"There is {each}: by how much seeds differ is not known, so nothing is said of chance. "
                        f"Repeat {'them' if rest else 'it'} with other seeds.")  # fmt: skip
        return told

    def _ahead(self) -> str:
        """Say where along the last objective whose front is ahead, or how often that changes where it may be chance."""
        ahead = {lead.side for lead in self.leads if lead.side}
        if not ahead or self.winner in ahead:
            return where_ahead(self.leads, self.objectives, unsure=ahead - {self.winner})
        untold = self.leads_beyond_chance is None
        return f"{changes(self.leads, self.objectives)}, {'which may be chance' if untold else 'within chance'}."


def compare(runs: Iterable[Named]) -> Comparison:
    """Put runs, or those of these names or paths, side by side, those that repeat one another on one side.

    Raises SettingError for fewer than two runs, for a run without a result, and for runs that cannot be compared: with
    other objectives, other data, or times that were measured elsewhere or in another way.
    """
    if len(runs := open_runs(runs)) < 2:
        raise SettingError("comparing takes two runs or more; name another one")
    sealed = next((run for run in runs if run.seal.get("data")), runs[0])  # early runs do not know their data
    for run in runs:
        if not run.results:
            raise SettingError(f"{run.folder} has no finished trial to compare")
        check_data(runs[0], run)
        check_data(sealed, run)
    known = next((run for run in runs if run.timed_on), runs[0])
    for run in runs:  # what has no device compares with all in the rest, so one to compare with is enough
        check_times(known, run)
    return Comparison(sides_of(runs))


def _test(first: str, own: Sequence[float], other: str, theirs: Sequence[float]) -> Test:
    from scipy.stats import mannwhitneyu  # takes most of a second to import

    found = mannwhitneyu(own, theirs, method="exact")
    tied = len({*own, *theirs}) < len(own) + len(theirs)  # the exact distribution is that of values without ties
    lowest = mannwhitneyu(range(len(own)), range(len(own), len(own) + len(theirs)), method="exact")
    return Test(
        first,
        other,
        chance=float(found.statistic) / (len(own) * len(theirs)),
        p=_tied_p(own, theirs) if tied else float(found.pvalue),
        least=float(lowest.pvalue),
    )


def _tied_p(own: Sequence[float], theirs: Sequence[float]) -> float:
    """Return the test's p where values are equal: over all ways to deal them out, or its limit where these are many."""
    from scipy.stats import mannwhitneyu, permutation_test  # as above

    def beaten(ours: Floats, others: Floats, axis: int) -> Floats:
        return np.asarray(mannwhitneyu(ours, others, axis=axis, method="asymptotic").statistic)

    ways = comb(len(own) + len(theirs), len(own))
    if ways > WAYS:
        return float(mannwhitneyu(own, theirs, method="asymptotic").pvalue)
    return float(permutation_test((own, theirs), beaten, n_resamples=ways, vectorized=True).pvalue)
