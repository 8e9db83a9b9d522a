"""Decide whether a search predicts instead of measuring each candidate, and make its predictor."""

from collections.abc import Collection, Set
from dataclasses import asdict
from functools import partial
from typing import Any

from nas.config import SearchConfig, make_config
from nas.costs.latency.device_results import UNKNOWN
from nas.costs.latency.predictor import Predictor, read_device
from nas.costs.latency.regression import FEWEST
from nas.costs.latency.sampling import OnProgress, predictor_for
from nas.engine.executors import Executor, Placement
from nas.errors import SettingError
from nas.evaluation.catalogue import objectives
from nas.evaluation.evaluator import deployment_of
from nas.evaluation.plugins import Outside
from nas.files import Json
from nas.network.architecture import Architecture
from nas.network.pieces import pieces
from nas.record.run import PREDICTOR, Run
from nas.space.space import SearchSpace, slots

MANY_TRIALS, MANY_SECONDS = 100, 1800.0  # budgets that are worth the measurements a predictor needs first


def predicts(config: SearchConfig, space: SearchSpace) -> bool:
    """Tell whether a new search of a space predicts what it can, or is told to, instead of measuring each candidate."""
    asked = objectives((*config.objectives, *config.maximum, *config.minimum))
    if not any(found.predictable for found in asked.values()):
        return False
    if config.latency != "auto" or config.device_file:
        return config.latency != "measured"
    if config.ray:  # each of its nodes would have to be measured
        return False
    if space.size() < FEWEST:
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

    Where a space has too few networks to predict others by, it measures, and raises SettingError if told to predict; as
    for a device's file that was made for another space or other images.
    """
    if not predicts(config, space):
        return None
    if predictor := device_predictor(config, space):
        return predictor
    if (count := space.size()) < FEWEST:
        raise SettingError(f"latency: found predicted; {space.name} has {count} of the {FEWEST} networks that make a "
                           "predictor: write measured")  # fmt: skip
    if placement.ray is None:
        return _measured(config, space, progress)
    return executor.there(outside.carry(partial(_measured, config, space)), placement)


def _measured(config: SearchConfig, space: SearchSpace, progress: OnProgress = lambda done, of: None) -> Predictor:
    deployment = deployment_of(config)
    assert deployment
    return predictor_for(space, deployment, progress=progress)


def device_predictor(config: SearchConfig, space: SearchSpace) -> Predictor | None:
    """Read the predictor of a device that is elsewhere, or return None for a target of this machine.

    Raises SettingError for a device of another space, resolution or channels, and for one without kinds of the space.
    """
    if config.device_file is None:
        return None
    predictor = read_device(config.device_file)
    if predictor.space != space.name:
        raise SettingError(f"target {config.target}: was measured for the space {predictor.space}, not for "
                           f"{space.name}; collect and fit it anew")  # fmt: skip
    _check_measured(config, predictor, _kinds(space), f"the space {space.name} offers")
    _check(config, predictor, "resolution", space.resolution)
    _check(config, predictor, "channels", {space.channels})
    return predictor


def network_predictor(config: SearchConfig, architecture: Architecture) -> Predictor:
    """Read the predictor of the device elsewhere that `config` names, for one network.

    Raises SettingError for a device that lacks the network's resolution, channels or kinds.
    """
    assert config.device_file
    predictor = read_device(config.device_file)
    kinds = {(piece.part, piece.kind) for piece in pieces(architecture)}
    _check_measured(config, predictor, kinds, f"{architecture.name} has")
    _check(config, predictor, "resolution", {architecture.resolution}, architecture.name)
    _check(config, predictor, "channels", {architecture.channels}, architecture.name)
    return predictor


def _kinds(space: SearchSpace) -> set[tuple[str, str]]:
    """Return the kinds that a space offers, each with its part of a network."""
    parts = ((key if key in ("stem", "head") else "block", slot) for key, slot in slots(space))
    return {(part, kind) for part, slot in parts for kind in slot.kinds}


def _check_measured(config: SearchConfig, predictor: Predictor, kinds: Set[tuple[str, str]], who: str) -> None:
    """Raise SettingError for kinds that a device never measured."""
    if unknown := sorted(kinds - set(predictor.kinds)):
        listed = ", ".join(f"{part} {kind}" for part, kind in unknown)
        raise SettingError(f"target {config.target}: never measured {listed}, which {who}; collect and fit it anew "
                           "from a space with these, with more networks if need be (-n)")  # fmt: skip


def _check(
    config: SearchConfig, predictor: Predictor, name: str, asked: Collection[int], who: str = "the search"
) -> None:
    """Raise SettingError where a device was measured at no such resolution, or with other channels."""
    measured = {getattr(architecture, name) for architecture, _ in predictor.networks}
    if not measured >= set(asked):
        found, wanted = (", ".join(map(str, sorted(some))) for some in (measured, asked))
        instead = f"name images with {found}" if name == "channels" else f"write --resolution {found}"
        raise SettingError(f"target {config.target}: was measured with the {name} {found}, {who} has {wanted}; "
                           f"{instead}, or collect it anew with --{name}")  # fmt: skip


def as_measured(config: SearchConfig) -> SearchConfig:
    """Take the images at once, threads and type of numbers that a device's file was measured with.

    Raises SettingError where others were asked for.
    """
    if config.device_file is None:
        return config
    where, settings = read_device(config.device_file).where, dict[str, Any]()
    for name, told in (("latency_batch", "batch"), ("threads", "threads"), ("dtype", "dtype")):
        if where.get(told, UNKNOWN) != UNKNOWN:
            settings[name] = where[told]
    try:
        measured = make_config(settings | {"task": config.task})
    except SettingError as error:
        raise SettingError(f"target {config.target}: {error}") from None
    found = {name: getattr(measured, name) for name in settings}
    for name, value in found.items():
        if name in config.model_fields_set and (asked := getattr(config, name)) != value:
            shown = "images at once" if name == "latency_batch" else name
            raise SettingError(f"{shown}: found {asked}; {config.target} was measured with {value}. Leave it out, or "
                               "measure the device anew")  # fmt: skip
    return config.model_copy(update=found)


def predictor_facts(predictor: Predictor) -> Json:
    """Return a predictor as a run's folder keeps it, so that all its trials use the same."""
    return predictor.to_dict() | {"error": asdict(predictor.error)}


def kept_predictor(run: Run) -> Predictor | None:
    """Return the predictor that a run began with, or None if it measures, whatever its budget is now."""
    facts = run.facts(PREDICTOR)
    return Predictor.from_dict(facts) if facts else None
