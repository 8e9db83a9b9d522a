"""Decide whether a search predicts instead of measuring each candidate, and make its predictor."""

from dataclasses import asdict
from functools import partial

from nas.config import SearchConfig
from nas.costs.latency.predictor import Predictor, read_device
from nas.costs.latency.sampling import OnProgress, predictor_for
from nas.engine.executors import Executor, Placement
from nas.errors import SettingError
from nas.evaluation.catalogue import objectives
from nas.evaluation.evaluator import deployment_of
from nas.evaluation.plugins import Outside
from nas.files import Json
from nas.record.run import PREDICTOR, Run
from nas.space.space import SearchSpace

MANY_TRIALS, MANY_SECONDS = 100, 1800.0  # budgets that are worth the measurements a predictor needs first


def predicts(config: SearchConfig) -> bool:
    """Tell whether a new search predicts what it can instead of measuring each candidate."""
    asked = objectives((*config.objectives, *config.maximum, *config.minimum))
    if not any(found.predictable for found in asked.values()):
        return False
    if config.latency != "auto" or config.device_file:
        return config.latency != "measured"
    if config.ray:  # each of its nodes would have to be measured
        return False
    budget = config.budget
    return (budget.trials or 0) >= MANY_TRIALS or (budget.seconds or 0) >= MANY_SECONDS


def new_predictor(
    config: SearchConfig,
    space: SearchSpace,
    executor: Executor,
    placement: Placement,
    outside: Outside,
    progress: OnProgress,
) -> Predictor | None:
    """Make the predictor of a new search where its trials run, or return None if it measures each candidate.

    Raises SettingError for a device's file that was made for another space.
    """
    if not predicts(config):
        return None
    if config.device_file:
        return device_predictor(config, space)
    if placement.ray is None:
        return _measured(config, space, progress)
    return executor.there(outside.carry(partial(_measured, config, space)), placement)


def _measured(config: SearchConfig, space: SearchSpace, progress: OnProgress = lambda done, of: None) -> Predictor:
    deployment = deployment_of(config)
    assert deployment
    return predictor_for(space, deployment, progress=progress)


def device_predictor(config: SearchConfig, space: SearchSpace) -> Predictor | None:
    """Read the predictor of a device that is elsewhere, or return None for a target of this machine.

    Raises SettingError for a device of another space or resolution.
    """
    if config.device_file is None:
        return None
    predictor = read_device(config.device_file)
    if predictor.space != space.name:
        raise SettingError(f"target {config.target}: was measured for the space {predictor.space}, not for "
                           f"{space.name}; collect and fit it anew")  # fmt: skip
    sides = {architecture.resolution for architecture, _ in predictor.networks}
    if not sides.issuperset(space.resolution):
        found, wanted = (", ".join(map(str, sorted(some))) for some in (sides, space.resolution))
        raise SettingError(f"target {config.target}: was measured at {found} pixels, the search has {wanted}; "
                           "collect it with --resolution")  # fmt: skip
    return predictor


def predictor_facts(predictor: Predictor) -> Json:
    """Return a predictor as a run's folder keeps it, so that all its trials use the same."""
    return predictor.to_dict() | {"error": asdict(predictor.error)}


def kept_predictor(run: Run) -> Predictor | None:
    """Return the predictor that a run began with, or None if it measures, whatever its budget is now."""
    facts = run.facts(PREDICTOR)
    return Predictor.from_dict(facts) if facts else None
