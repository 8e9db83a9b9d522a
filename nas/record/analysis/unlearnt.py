"""What chance would have found: the networks with which a search began, before it had learnt anything, in any order.

Each sampler tries at least ten points before a model or an ancestor guides it. Those of the random, TPE, GP and NSGA-II
samplers are drawn at random; those of `pareto` are spread over the space and over the costs. Any order of them is as
good as another, so the mean hypervolume of the first few over all orders is what so few trainings find by chance: no
draw is repeated, which makes the mean unbiased up to their number. Beyond it nothing is known, so nothing is said.
"""

from dataclasses import dataclass

import numpy as np

from nas.record.analysis.growth import Frame, as_losses, losses_of
from nas.record.results import Result
from nas.record.run import Run

SPREAD, DRAWN = {"pareto"}, {"tpe", "gp", "nsga2"}
BEFORE = 10  # proposals that are made before any sampler learns
FEWEST = 8  # results of them, below which they stand for nothing
ORDERS = 200
INNER = (10.0, 90.0)  # percentiles of the orders, between which four of five lie


@dataclass(frozen=True)
class ByChance:
    """The share of a run's frame that so many `trainings` by chance dominate.

    `mean` is over all orders; four of five lie between `low` and `high`, which are of half as many trainings: orders of
    more have so much in common that they hardly differ. `drawn` tells that the networks were drawn at random, not
    spread on purpose.
    """

    trainings: list[int]
    mean: list[float]
    low: list[float]
    high: list[float]
    drawn: bool


def by_chance(run: Run) -> ByChance | None:
    """Return what the networks before any learning would have found in any order.

    None where they are too few or not the search's own: where it was told what to begin with, where it climbs a ladder,
    on which few of them reach the rung of the front, and where its sampler draws at random throughout or is not known.
    """
    config = run.config
    if config.seed_with or config.warm_start or len(config.lengths) > 1 or config.sampler not in SPREAD | DRAWN:
        return None
    begun = [result for result in run.results if _unlearnt(result, config.sampler)]
    if len(begun) < FEWEST:
        return None
    losses = as_losses(run, begun)
    frame, rng, counts = Frame.of(losses_of(run)), np.random.default_rng(0), range(1, len(begun) + 1)
    shares = np.array(
        [
            [frame.share(losses[order[:count]]) for count in counts]
            for order in map(rng.permutation, [len(begun)] * ORDERS)
        ]
    )
    low, high = np.percentile(shares[:, : len(begun) // 2], INNER, axis=0)
    return ByChance(list(counts), shares.mean(axis=0).tolist(), low.tolist(), high.tolist(), config.sampler in DRAWN)


def _unlearnt(result: Result, sampler: str) -> bool:
    """Tell whether a result was proposed before its sampler learnt: by its number, and NSGA-II's by its generation."""
    if sampler == "nsga2":
        notes = result.trial.sampler
        return next((value == 0 for name, value in notes.items() if name.endswith("generation")), False)
    return result.number < BEFORE
