"""Which kinds of block a learning rate starves: of each a network alone, trained briefly at several rates."""

from pathlib import Path

import numpy as np
from scipy.special import ndtri  # scipy.stats takes most of a second to import

from nas.record.folders import is_run
from nas.record.run import Run
from nas.space.space import SearchSpace

FACTORS = (1 / 3, 1.0, 3.0)  # of the learning rate, at which one network of each kind of block is trained
RATES = "rates"  # the folder of those runs, in that of the calibration
DOUBT = 0.05  # the chance that any kind is called starved where none is


def kinds_alone(space: SearchSpace) -> list[str]:
    """List the kinds of block of which alone a network can be made: every stage that must stay offers them."""
    first, *others = (stage.kinds for stage in space.stages if not stage.optional)
    return [kind for kind in first if all(kind in more for more in others)]


def rate_folder(run: Run, factor: float) -> Path:
    """Return the folder of the run that tries a factor of the learning rate."""
    return run.folder / RATES / f"rate_{factor:.2g}"


def rates(run: Run, name: str, sign: float) -> tuple[dict[str, dict[str, float]], tuple[str, ...]]:
    """Read what each kind alone reached at each factor, the mean of two trainings, and which kinds are starved.

    These do better at another factor by more than chance allows, with Bonferroni's correction for all that were tried.
    """
    found: dict[str, dict[str, float]] = {}
    apart = []  # twice the variances of single trainings
    for factor in FACTORS:
        folder = rate_folder(run, factor)
        for result in Run(folder).results if is_run(folder) else ():
            (kind, *others) = {stage.block for stage in result.architecture.stages}
            if not others and result.repeats:
                found.setdefault(kind, {})[f"{factor:.2g}"] = (result.first[name] + result.metrics[name]) / 2
                apart.append((result.first[name] - result.metrics[name]) ** 2)
    whole = {kind: reached for kind, reached in found.items() if len(reached) == len(FACTORS)}
    tries = len(whole) * (len(FACTORS) - 1)
    least = ndtri(1 - DOUBT / max(tries, 1)) * (np.mean(apart) / 2) ** 0.5 if tries else 0.0  # of two means of two
    gains = {kind: max(sign * (value - reached["1"]) for value in reached.values()) for kind, reached in whole.items()}
    return whole, tuple(kind for kind, gain in gains.items() if gain > least)
