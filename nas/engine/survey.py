"""A look at a whole space before anything is spent: its networks' costs, its limits, the time of a budget."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from nas import data as datasets
from nas.config import SearchConfig, broken_limit
from nas.costs.latency.measure import measure
from nas.costs.latency.sampling import draw
from nas.engine.latency import check_limits, predicts
from nas.errors import RunError
from nas.evaluation.deployment import deployment_of
from nas.evaluation.evaluator import Evaluator
from nas.evaluation.job import Job, Outcome
from nas.evaluation.limits import Feasibility, known
from nas.network.architecture import Architecture
from nas.space.space import SearchSpace

QUICK = ("macs", "params")
EVERY_MEMORY = 4  # memory, which takes longer to count, is that of one network in so many
LATENCY_SECONDS = 0.25  # for one network: many say more of a space than few that are exact
TRAINED = 3  # networks trained to tell a budget's time: at these places by their multiply-adds


Values = Mapping[str, Mapping[str, float]]
"""By objective, then by the architecture's key."""


@dataclass(frozen=True)
class Range:
    """Smallest, median and largest value of an objective; `exact` where the ends were searched for, not sampled."""

    smallest: float
    median: float
    largest: float
    networks: int
    exact: bool = False


@dataclass(frozen=True)
class Survey:
    """What was found. `shares` are those of the sampled networks that meet each limit, and all of them (`all`)."""

    space: SearchSpace
    ranges: Mapping[str, Range]
    shares: Mapping[str, float]
    seconds_per_trial: float | None = None


def survey(space: SearchSpace, config: SearchConfig, *, networks: int = 100, trial: bool = False) -> Survey:
    """Sample a space. With `trial`, three networks are trained on the configuration's data to tell a trial's time.

    Raises SettingError for a limit that no network meets, RunError when a network cannot be trained.
    """
    seconds = None
    if trial:
        dataset = datasets.load(config.data, seed=config.seed, resolution=config.resolution)
        space = space.fit(resolution=dataset.resolution, channels=dataset.channels, classes=len(dataset.classes))
    check_limits(config, space)
    drawn = draw(space, networks)
    values = _sampled(drawn, config)
    if trial:
        seconds = _seconds_per_trial(drawn, values, config, dataset)
    ranges = {name: _range(space, name, list(found.values()), config) for name, found in values.items()}
    return Survey(space, ranges, _shares(values, config), seconds)


def _sampled(drawn: Sequence[Architecture], config: SearchConfig) -> Values:
    values: dict[str, dict[str, float]] = {}
    limited = (*config.maximum, *config.minimum)
    for name in dict.fromkeys((*QUICK, "memory", "latency", *limited)):
        some = drawn[::EVERY_MEMORY] if "memory" in name and name not in limited else drawn
        found = {a.key(): _value(name, a, config) for a in some}
        values[name] = {key: value for key, value in found.items() if value is not None}
    return {name: found for name, found in values.items() if found}


def _value(name: str, architecture: Architecture, config: SearchConfig) -> float | None:
    if name != "latency":
        return known(name, architecture, config, None)
    deployment = deployment_of(config)
    return measure(architecture, deployment, seconds=LATENCY_SECONDS).median if deployment else None


def _range(space: SearchSpace, name: str, found: list[float], config: SearchConfig) -> Range:
    middle = float(np.median(found))
    if name not in QUICK:
        return Range(min(found), middle, max(found), len(found))
    feasibility = Feasibility(config)
    ends = [feasibility.extreme(space, name, "minimum"), feasibility.extreme(space, name, "maximum")]
    smallest, largest = (end[0] for end in ends if end is not None)
    return Range(smallest, middle, largest, len(found), exact=True)


def _shares(values: Values, config: SearchConfig) -> dict[str, float]:
    keeps = _keeps(values, config)
    shares = {name: float(np.mean([kept[name] for kept in keeps.values()])) for name in _limited(values, config)}
    return shares | {"all": float(np.mean([all(kept.values()) for kept in keeps.values()]))} if shares else {}


def _keeps(values: Values, config: SearchConfig) -> dict[str, dict[str, bool]]:
    """Whether a network keeps each limit, by its key and the limit's name."""
    limited = _limited(values, config)
    keys = [key for key in values["macs"] if all(key in values[name] for name in limited)]
    return {key: {n: not broken_limit(config, {n: values[n][key]}) for n in limited} for key in keys}


def _limited(values: Values, config: SearchConfig) -> list[str]:
    return [name for name in (*config.maximum, *config.minimum) if name in values]


def _seconds_per_trial(
    drawn: Sequence[Architecture], values: Values, config: SearchConfig, dataset: datasets.Dataset
) -> float:
    """The mean time of networks that keep the limits, at evenly spaced places by their multiply-adds.

    Raises RunError when one cannot be trained.
    """
    keeps = _keeps(values, config)
    able = [a for a in drawn if all(keeps[a.key()].values())] or drawn
    ordered = sorted(able, key=lambda a: values["macs"][a.key()])
    places = (np.arange(TRAINED) + 0.5) / TRAINED * len(ordered)
    evaluate = Evaluator(config.model_copy(update={"maximum": {}, "minimum": {}}), dataset)
    return float(np.mean([_seconds(evaluate(Job(0, ordered[int(i)], config.seed)), config) for i in places]))


def _seconds(outcome: Outcome, config: SearchConfig) -> float:
    if outcome.state != "complete":
        raise RunError(f"a network of the space could not be trained to tell the time: {outcome.reason}")
    return sum(taken for step, taken in outcome.seconds.items() if step != "measure" or not predicts(config))
