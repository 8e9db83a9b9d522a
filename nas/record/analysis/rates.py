"""Which kinds of block a learning rate starves: of each a network alone, trained briefly at several rates."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.special import stdtrit  # scipy.stats takes most of a second to import

from nas.evaluation.catalogue import objective
from nas.network.architecture import Architecture
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


@dataclass(frozen=True)
class Rates:
    """What each kind alone `reached` at each factor, the mean of two trainings, where none of them failed.

    `starved` kinds do better at another factor by more than chance allows, with Bonferroni's correction for all that
    were tried. `failed` has the reason of the first failure of each kind of which a training failed, `omitted` the
    kinds that could make a network alone and that this run has not tried.
    """

    reached: dict[str, dict[str, float]]
    starved: tuple[str, ...]
    failed: dict[str, str]
    omitted: tuple[str, ...]


def rates(run: Run) -> Rates:
    """Read what the runs at other learning rates found of the first trained objective."""
    name, sign = run.judged, objective(run.judged).sign
    found: dict[str, dict[str, float]] = {}
    failed: dict[str, str] = {}
    apart = []  # twice the variances of single trainings
    for factor, tried in _tried(run):
        for result in tried.results:
            if (kind := _alone(result.architecture)) and result.repeats:
                found.setdefault(kind, {})[f"{factor:.2g}"] = (result.first[name] + result.metrics[name]) / 2
                apart.append((result.first[name] - result.metrics[name]) ** 2)
        for kind, reason in _failures(tried):
            failed.setdefault(kind, reason)
    whole = {kind: reached for kind, reached in found.items() if len(reached) == len(FACTORS)}
    tries = len(whole) * (len(FACTORS) - 1)
    # of two means of two, with a deviation that is estimated
    least = stdtrit(len(apart), 1 - DOUBT / tries) * (np.mean(apart) / 2) ** 0.5 if tries else 0.0
    gains = {kind: max(sign * (value - reached["1"]) for value in reached.values()) for kind, reached in whole.items()}
    failed = {kind: reason for kind, reason in failed.items() if kind not in whole}
    omitted = tuple(kind for kind in kinds_alone(run.space) if kind not in (*whole, *failed))
    return Rates(whole, tuple(kind for kind, gain in gains.items() if gain > least), failed, omitted)


def _tried(run: Run) -> Iterator[tuple[float, Run]]:
    for factor in FACTORS:
        if is_run(folder := rate_folder(run, factor)):
            yield factor, Run(folder)


def _failures(run: Run) -> Iterator[tuple[str, str]]:
    """Yield each kind alone a training of which failed, at first or from another seed, with the reason."""
    networks = {trial.number: trial.architecture for trial in run.trials}
    ended = [*((one.number, one.outcome) for one in run.trials), *((one.trial, one.outcome) for one in run.further)]
    for number, outcome in ended:
        if outcome.state != "complete" and (kind := _alone(networks[number])):
            yield kind, outcome.reason


def _alone(network: Architecture) -> str:
    """Return the kind of all blocks of a network, empty where they are of several."""
    kind, *others = {stage.block for stage in network.stages}
    return "" if others else kind
