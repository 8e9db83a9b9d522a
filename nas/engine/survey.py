"""Survey a space before a search: the costs of its networks, its limits, the time that a budget takes."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from nas.config import SearchConfig
from nas.costs.latency.predictor import Predictor
from nas.data import Dataset
from nas.engine.plan import check_settings, fit, held, load_whole, look
from nas.engine.prediction import as_measured, device_predictor, predicts
from nas.errors import RunError
from nas.evaluation.catalogue import objective, objectives
from nas.evaluation.evaluator import Evaluator, conditions_of, deployment_of
from nas.evaluation.job import Job, Outcome
from nas.evaluation.limits import Limits, broken_limit, measured
from nas.evaluation.objectives import Candidate, Conditions, Objective
from nas.network.architecture import Architecture
from nas.record.analysis.kept_ladders import laddered
from nas.record.fingerprint import fingerprint
from nas.registry import OBJECTIVES
from nas.space.space import SearchSpace, draw

EVERY_SLOW = 4  # an objective that is slow to count is counted for one network in so many
TRAINED = 3  # networks trained to time a trial, evenly spaced by their size


Values = Mapping[str, Mapping[str, float]]
"""By objective, then by the architecture's key."""


@dataclass(frozen=True)
class Range:
    """The range of an objective over `networks` samples. `exact` ends were searched for, not sampled."""

    smallest: float
    median: float
    largest: float
    networks: int
    exact: bool = False


@dataclass(frozen=True)
class Survey:
    """The ranges of a space's objectives.

    `shares` has the share of sampled networks that meets each limit, and under `all` the share that meets all.
    `skipped` names what was left out of the data, if they were read. `predictor` is that of a device elsewhere, whose
    doubt is counted in as in a search: what might break a limit does not keep it.
    """

    space: SearchSpace
    ranges: Mapping[str, Range]
    shares: Mapping[str, float]
    seconds_per_trial: float | None = None
    skipped: tuple[str, ...] = ()
    predictor: Predictor | None = None


def survey(space: SearchSpace, config: SearchConfig, *, networks: int = 100, trial: bool = False) -> Survey:
    """Sample a space. With `trial`, train three networks on the configuration's data to time a trial.

    Where a calibration's ladder is kept, that is a trial on its first rung with its part of the further trainings.
    Raises SettingError for a limit that no network meets, RunError when a network cannot be trained.
    """
    check_settings(config)
    config = as_measured(config)
    dataset = None
    if trial:
        whole = load_whole(config)
        dataset = held(config, whole)
        space = fit(space, dataset, config.task)
        config, _ = laddered(config, space, fingerprint(whole))
    look(config, space)
    drawn = draw(space, networks)
    predictor = device_predictor(config, space)
    conditions = conditions_of(config, predictor, deployment_of(config))
    limits = Limits(config, conditions)
    config = config.model_copy(update={"maximum": limits.maximum})
    values = _sampled(drawn, config, conditions)
    spared = ("measure",) if predicts(config, space) else ()
    seconds = _seconds_per_trial(drawn, values, config, dataset, predictor, spared) if dataset else None
    ranges = {name: _range(space, name, list(found.values()), limits) for name, found in values.items()}
    return Survey(space, ranges, _shares(values, config), seconds, dataset.skipped if dataset else (), predictor)


def _sampled(drawn: Sequence[Architecture], config: SearchConfig, conditions: Conditions) -> Values:
    values: dict[str, dict[str, float]] = {}
    limited = (*config.maximum, *config.minimum)
    for name, one in (_surveyed() | objectives(limited)).items():
        some = drawn[::EVERY_SLOW] if one.slow and name not in limited else drawn
        found = {a.key(): _value(one, Candidate(a, conditions)) for a in some}
        values[name] = {key: value for key, value in found.items() if value is not None}
    return {name: found for name, found in values.items() if found}


def _surveyed() -> dict[str, Objective]:
    """Return the objectives that a survey shows: counted ones first, then slow ones, then timed ones."""
    shown = {name: one for name, one in objectives(OBJECTIVES.at_hand()).items() if one.surveyed}
    return dict(sorted(shown.items(), key=lambda item: (item[1].timed, item[1].slow, item[0])))


def _value(one: Objective, candidate: Candidate) -> float | None:
    """Tell an objective's value from the decisions alone, or measure it at a glance."""
    value = one.tell(candidate)
    if value is not None or not (one.surveyed and one.timed and candidate.conditions.deployment):
        return value
    return measured(one, candidate, "glance").value


def _range(space: SearchSpace, name: str, found: list[float], limits: Limits) -> Range:
    middle, one = float(np.median(found)), objective(name)
    if not (one.surveyed and limits.is_quick(one)):
        return Range(min(found), middle, max(found), len(found))
    smallest, largest = limits.extreme(space, name, "minimum"), limits.extreme(space, name, "maximum")
    if not (smallest and largest):  # no value is finite
        return Range(min(found), middle, max(found), len(found))
    return Range(smallest[0], middle, largest[0], len(found), exact=True)


def _shares(values: Values, config: SearchConfig) -> dict[str, float]:
    keeps = _keeps(values, config)
    shares = {name: float(np.mean([kept[name] for kept in keeps.values()])) for name in _limited(values, config)}
    return shares | {"all": float(np.mean([all(kept.values()) for kept in keeps.values()]))} if shares else {}


def _keeps(values: Values, config: SearchConfig) -> dict[str, dict[str, bool]]:
    """Tell whether a network keeps each limit, by its key and the limit's name."""
    limited = _limited(values, config)
    keys = [key for key in values[_size(values)] if all(key in values[name] for name in limited)]
    return {key: {n: not broken_limit(config, {n: values[n][key]}) for n in limited} for key in keys}


def _limited(values: Values, config: SearchConfig) -> list[str]:
    return [name for name in (*config.maximum, *config.minimum) if name in values]


def _size(values: Values) -> str:
    """Return the objective that is known of every network and grows with its time."""
    return next(one.like for one in _surveyed().values() if one.like in values)


def _seconds_per_trial(
    drawn: Sequence[Architecture],
    values: Values,
    config: SearchConfig,
    dataset: Dataset,
    predictor: Predictor | None,
    spared: Collection[str],
) -> float:
    """Train networks that keep the limits, evenly spaced by their size, and return their mean time but for `spared`.

    Of a ladder it comes with its part of the further trainings, which have a share of the work.
    Raises RunError when one cannot be trained.
    """
    keeps = _keeps(values, config)
    able = [a for a in drawn if a.key() in keeps and all(keeps[a.key()].values())] or drawn
    ordered = sorted(able, key=lambda a: values[_size(values)][a.key()])
    at = (np.arange(TRAINED) + 0.5) / TRAINED * len(ordered)
    evaluate = Evaluator(config.model_copy(update={"maximum": {}, "minimum": {}}), dataset, predictor=predictor)
    first = float(np.mean([_seconds(evaluate(Job(0, ordered[int(i)], config.seed)), spared) for i in at]))
    return first / (1 - config.promotion) if len(config.lengths) > 1 and config.promotion < 1 else first


def _seconds(outcome: Outcome, spared: Collection[str]) -> float:
    if outcome.state != "complete":
        raise RunError(f"a network of the space could not be trained to tell the time: {outcome.reason}")
    return sum(taken for step, taken in outcome.seconds.items() if step not in spared)
