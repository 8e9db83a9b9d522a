"""What is known of the layouts of fronts: where they attend, whether that is a trend, how far they are from CoAtNet's.

It is compared by `attending` and `worth`, which need torch, and kept in the runs' folders for their reports.
"""

import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

import numpy as np
from pydantic import TypeAdapter

from nas.evaluation import units
from nas.evaluation.catalogue import objective
from nas.files import Json
from nas.record.folders import damaged
from nas.record.run import Run
from nas.training.chance import LEVEL

FILE = "layout.json"
BY_HAND = {"CoAtNet": "M-M-T-T", "MOAT": "M-M-A-A"}
"""The layouts that were found by hand, by the letters of their blocks."""
BY_HAND_STAGES = 4


@dataclass(frozen=True)
class StageShare:
    """The share of networks that attend in a stage, on fronts and among random ones of the same cost."""

    stage: int
    front: float
    interval: tuple[float, float]
    random: float


@dataclass(frozen=True)
class Trend:
    """How attention rises with the stage.

    `front` and `random` are mean trends, from -1 (attention in the first stages only) over 0 (in all, in none) to 1 (in
    the last only), each stage weighed by its distance from the middle of those that the network has. `effect` is their
    difference, `p` the share of permutations, by which each network of a front changes place with a random one of its
    cost, whose effect is at least as large either way. `by_run` are the effects of the runs: networks of one front
    resemble one another, runs do not. Networks of one stage have no trend and are passed over; it is empty where no
    network of the fronts attends in some of its stages and not in others.
    """

    front: float
    random: float
    effect: float
    p: float
    by_run: tuple[float, ...]


@dataclass(frozen=True)
class Worth:
    """What a block is worth at a stage, in a trained objective and its unit.

    Networks with it, of which there are `networks`, lie by `value` above the mean of the stage's blocks, between
    networks of equal multiply-adds and equal blocks elsewhere. `half` is half the width of the 95 % interval.
    """

    objective: str
    stage: int
    block: str
    networks: int
    value: float
    half: float

    def show(self, unit: units.Unit) -> str:
        """Say the value with its interval in a unit: `+1.10 ± 0.51`."""
        value = unit.show(self.value)
        return f"{'' if value.startswith('-') else '+'}{value} ± {unit.show(self.half)}"


@dataclass(frozen=True)
class Gain:
    """By how much a block is worth more in the last `stages` than in as many first ones, with half an interval."""

    objective: str
    block: str
    stages: int
    value: float
    half: float


@dataclass(frozen=True)
class Layouts:
    """The layouts of one or more fronts.

    `found` counts them. `stages` are those of the space that networks of the fronts have. `distance` is the mean number
    of stages whose block differs from a layout found by hand, on the fronts and among random networks of the same cost,
    over those of four stages, and empty without any. `worths` and `gains` rest on all networks that were trained, and
    are empty where these are too few. `differ` are the settings in which runs do, but for the seed. `left_out` counts
    the networks that leave out a stage, where some do.
    """

    runs: tuple[str, ...]
    networks: int
    found: dict[str, int]
    stages: tuple[StageShare, ...]
    trend: Trend
    distance: dict[str, tuple[float, float]]
    differ: tuple[str, ...] = ()
    worths: tuple[Worth, ...] = ()
    gains: tuple[Gain, ...] = ()
    left_out: Mapping[int, int] = field(default_factory=dict)

    def sentences(self) -> list[str]:
        """Say how attention runs through the stages, and how far the layouts are from those found by hand."""
        told = [*self._missing(), *self._rising()]
        four = self._of_stages(BY_HAND_STAGES, BY_HAND_STAGES)
        of = "" if four == self.networks else f", of those of four stages ({four} of {self.networks})"
        for name, (front, random) in self.distance.items() if four else ():
            told.append(f"From {name}'s layout ({BY_HAND[name]}) {front:.1f} stages differ on the front, {random:.1f} "
                        f"among random networks{of}.")  # fmt: skip
        if self.gains:
            told.append(self._late())
        if self.differ:
            told.append(f"The runs differ in more than the seed: {', '.join(self.differ)}.")
        if "warm_start" in self.differ:
            told.append("What one began with from another is no second piece of evidence.")
        return told

    def _of_stages(self, fewest: int, most: int = sys.maxsize) -> int:
        """Count the networks with so many stages."""
        return sum(number for name, number in self.found.items() if fewest <= len(name.split("-")) <= most)

    def _missing(self) -> list[str]:
        """Say which stages are left out, and what that means for the numbers."""
        each = [
            f"stage {stage} by " + (f"{number} of {self.networks} networks" if number < self.networks else "all")
            for stage, number in self.left_out.items()
        ]
        return each and [f"Left out: {', '.join(each)}. Shares are over the networks that have the stage, and random "
                         "networks have the same stages as those of the front."]  # fmt: skip

    def _rising(self) -> list[str]:
        """Say whether attention rises with the stage, and how much that tells."""
        trend, way = self.trend, "rises" if self.trend.effect > 0 else "falls"
        if not trend.by_run:
            return [f"No network of the front {self._without_trend()}, so attention cannot rise with the stage."]
        if trend.p >= 1 - LEVEL:
            way = "neither rises nor falls beyond chance"
        several = self._of_stages(2)
        networks = "1 network" if several == 1 else f"{several} networks"
        networks += " of two stages or more" if several < self.networks else ""
        rising = sum(effect > 0 for effect in trend.by_run)
        against = f"{trend.front:+z.2f} on the front, {trend.random:+z.2f} among random networks of the same cost"
        said = (
            f"Attention {way} with the stage, beside random networks: trend {against} (-1: first stages only, +1: last "
            f"only), difference {trend.effect:+z.2f}, p = {trend.p:.2g} by permutation over {networks}."
        )
        if len(trend.by_run) == 1:
            return [said, "Networks of one front resemble one another, which p leaves out: pool runs of several seeds."]
        error = float(np.std(trend.by_run, ddof=1)) / len(trend.by_run) ** 0.5
        by_run = (
            f"Run by run it rises in {rising} of {len(trend.by_run)}, by {np.mean(trend.by_run):+z.2f} on average "
            f"(standard error {error:.2f}); networks of one front are alike, so the runs weigh more than p."
        )
        return [said, by_run]

    def _without_trend(self) -> str:
        """Say what the networks of the front lack for a trend."""
        if not self._of_stages(2):
            return "has two stages"
        return "attends in some of its stages and not in others" if any(s.front for s in self.stages) else "attends"

    def _late(self) -> str:
        """Say which blocks are worth more in the last stages than in the first, and which less."""
        name, stages = self.gains[0].objective, self.gains[0].stages
        unit = units.unit_of(name, [one.value for one in self.gains])
        sign = objective(name).sign
        clear = [one for one in self.gains if abs(one.value) > one.half]
        clear.sort(key=lambda one: -sign * one.value)
        parts = [
            f"{one.block} {unit.show(abs(one.value))} ± {unit.show(one.half)} "
            f"{'more' if sign * one.value > 0 else 'less'}"
            for one in clear
        ]
        said = f"in the last {stages} stages than in the first" if stages > 1 else "in the last stage than in the first"
        if not parts:
            return f"By all trained networks, no block is worth more or less {said}, beyond chance."
        return (f"By all trained networks, blocks are worth more or less {said} ({units.difference_of(name, unit)}, "
                f"95 % intervals): {', '.join(parts)}.")  # fmt: skip

    def keep(self, run: Run) -> None:
        """Keep the comparison in a run's folder, for its report. Raises RunError when it cannot be written."""
        run.write_facts(FILE, _compared(run) | {"layouts": asdict(self)})


def _compared(run: Run) -> Json:
    """Return what a comparison of a run rests on."""
    return {"front": [result.number for result in run.front()], "trials": len(run.trials)}


def kept(run: Run) -> Layouts | None:
    """Return the comparison that was kept, unless the run has another front or further trials since.

    Raises RunError for a damaged file.
    """
    facts = run.facts(FILE)
    if not facts.items() >= _compared(run).items():
        return None
    try:
        found: Layouts = TypeAdapter(Layouts).validate_python(facts.get("layouts"))
    except ValueError:
        raise damaged(run.folder / FILE) from None
    return found
