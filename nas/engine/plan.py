"""Resolve a search's settings once, before its first trial, and raise every error of the user's there."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, NamedTuple

from nas import data as datasets
from nas.config import SearchConfig
from nas.costs.counts import count
from nas.costs.deployment import choose_device, device_name
from nas.costs.kept_counts import lasting
from nas.costs.latency.predictor import Predictor
from nas.costs.latency.sampling import OnProgress
from nas.data import Dataset
from nas.data.copies import copies
from nas.data.sets import check_boxed
from nas.engine.executors import Executor, Placement
from nas.engine.placement import choose_executor, choose_placement, load_executor
from nas.engine.prediction import as_measured, device_predictor, kept_predictor, new_predictor
from nas.errors import SettingError, SpaceError
from nas.evaluation.catalogue import objective
from nas.evaluation.evaluator import conditions_of, deployment_of
from nas.evaluation.limits import Limits, check_alike
from nas.evaluation.objectives import Candidate, Objective
from nas.evaluation.picks import read_rule
from nas.evaluation.plugins import Outside
from nas.evaluation.units import exact
from nas.files import Json, quoted
from nas.network.architecture import Architecture
from nas.network.pieces import Piece, pieces
from nas.record.analysis.kept_ladders import laddered
from nas.record.config_file import changed, of_earlier_schedule
from nas.record.fingerprint import check_data, fingerprint, perhaps_moved
from nas.record.folders import SPACE
from nas.record.listing import is_calibration
from nas.record.networks import find_network
from nas.record.outside import outside_of
from nas.record.run import Run
from nas.record.seal import check_same
from nas.record.tracking import check_trackers
from nas.registry import OBJECTIVES
from nas.space.grammar import to_dict
from nas.space.library import load_architecture, load_space
from nas.space.space import SearchSpace, draw
from nas.training.catalogue import check_head, check_metrics, check_metrics_alike, check_targets, load_task
from nas.training.images import draw_rows, in_memory

DRAWN = 20  # networks of a space whose pieces are looked at


class Devices(NamedTuple):
    """The names of the device that trains, and of the one that times are measured on, empty where none are."""

    training: str
    timed: str = ""


@dataclass(frozen=True)
class Plan:
    """The settings of a search, resolved.

    `dataset` is held in memory, `data` the fingerprint of all of it. `space` is fitted to the data; `designs` are the
    networks to start from. `executor` runs trials at `placement`, and `devices` are those there, on a cluster those of
    one node. `predictor` predicts latency without measuring, or is None. `outside` has the kinds from outside nas,
    `calibration` what `nas calibrate --apply` kept of the same space, data and recipe, if the rungs are its ladder.
    """

    config: SearchConfig
    dataset: Dataset
    space: SearchSpace
    designs: tuple[Architecture, ...]
    placement: Placement
    executor: Executor
    devices: Devices
    predictor: Predictor | None
    outside: Outside
    data: Json = field(default_factory=dict)
    calibration: Json = field(default_factory=dict)

    @cached_property
    def limits(self) -> Limits:
        """The limits that can be checked from decisions and predictor alone."""
        return Limits(self.config, conditions_of(self.config, self.predictor))


def new_plan(
    config: SearchConfig,
    space: SearchSpace,
    progress: OnProgress = lambda done, of: None,
    warned: Callable[[str], None] = lambda line: None,
    runs: Path = Path("runs"),
) -> Plan:
    """Plan a new search, and measure what its predictor needs, if it has one, telling `progress`.

    `warned` takes what may be meant otherwise; in `runs` lie those whose networks it may start from.
    Raises SettingError, SpaceError or DataError for settings, a space or data that are wrong.
    """
    check_settings(config)
    config = as_measured(config)
    designs = tuple(find_network(name, runs).architecture for name in config.seed_with)
    whole = load_whole(config)
    dataset = held(config, whole)
    fitted = fit(space, dataset, config.task)
    for warning in doubts(config, fitted):
        warned(warning)
    outside = outside_of(config, fitted)
    placement, executor = _resolve_placement(config, dataset, fitted, outside)
    devices = executor.there(outside.carry(partial(look, config, fitted)), placement)
    predictor = new_predictor(config, fitted, executor, placement, outside, progress)
    if config.device_file and predictor:
        devices = devices._replace(timed=str(predictor.where.get("device", "")))
    known = fingerprint(whole)
    known["copies"] = known["copies"] or copies(dataset)  # of pictures outside memory those that are decoded
    config, calibration = laddered(config, fitted, known)
    plan = Plan(config, dataset, fitted, designs, placement, executor, devices, predictor, outside, known, calibration)
    if predictor:
        plan.limits.check(fitted)
    return plan


def plan_of(
    run: Run, warned: Callable[[str], None] = lambda line: None, settings: Mapping[str, Any] | None = None
) -> Plan:
    """Plan how a search goes on, `settings` written anew; `warned` takes what differs but does not forbid that.

    Raises as `new_plan` does, for settings that must stay, other data, another space, and another device where times
    are measured.
    """
    settings = settings or {}
    config = changed(run.config, settings)
    check_settings(config)
    check_space(run)
    designs = tuple(load_architecture(known) for known in run.seal.get("designs", config.seed_with))
    if run.trials and of_earlier_schedule(run.seal):
        warned(f"{run.name} began with a learning rate that fell in another way: its front will rest on two kinds of "
               f"training. Or {_anew(run)}")  # fmt: skip
    command = "the same command, with" if is_calibration(run) else f"nas resume {quoted(run.folder)}"
    with perhaps_moved(config.data, command, told="data" in settings):
        whole = load_whole(config)
    dataset = held(config, whole)
    for warning in check_data(run.seal.get("data", {}), whole, str(run.folder), _anew(run)):
        warned(warning)
    placement, executor = _resolve_placement(config, dataset, run.space, run.outside)
    devices = executor.there(run.outside.carry(partial(look, config)), placement)
    check_timed(run, devices)
    return Plan(config, dataset, run.space, designs, placement, executor, devices, kept_predictor(run), run.outside)


def check_space(run: Run) -> None:
    """Raise SettingError when the space is not the one that the run began with."""
    if was := run.seal.get("space"):
        check_same(run.folder / SPACE, to_dict(load_space(was)), to_dict(run.space), ("name",))


def check_timed(run: Run, devices: Devices) -> None:
    """Raise SettingError when a run measured times on another device than the one that is here."""
    then = run.timed_on
    if devices.timed and then and then != devices.timed:
        raise SettingError(f"{run.folder}: its trials were timed on {then}, and here is {devices.timed}: times of two "
                           f"devices do not compare. Go on there, or {_anew(run)}")  # fmt: skip


def _anew(run: Run) -> str:
    if is_calibration(run):
        return "calibrate anew, under another --name"
    return f"begin another search, which may learn from this one: --warm-start {quoted(run.folder)}"


def check_settings(config: SearchConfig) -> None:
    """Raise SettingError for settings that are wrong wherever trials run."""
    for option, limits in (("--max", config.maximum), ("--min", config.minimum)):
        for name in limits:
            if objective(name).trained:
                raise SettingError(f"{option} {name}: known only after training, so it cannot be a limit before it")
    for name in config.maximum.keys() & config.minimum.keys():
        if (low := config.minimum[name]) > (high := config.maximum[name]):
            raise SettingError(f"--min {name}={exact(low)} is above --max {name}={exact(high)}: nothing lies between")
    check_metrics_alike(config.task)
    metrics = load_task(config.task).metrics
    for name in config.objectives:
        if objective(name).trained and name not in (*metrics, *OBJECTIVES.names()):
            raise SettingError(f"objectives: {name} is no metric of the task {config.task}: {', '.join(metrics)}")
    read_rule(config.pick, config)
    check_trackers(config.log)


def load_whole(config: SearchConfig) -> Dataset:
    """Load the data set of a search, with images left where they are if they do not fit in memory.

    Raises DataError, also if its targets are not those of the task.
    """
    dataset = datasets.load(config.data, seed=config.split, resolution=config.resolution)
    check_targets(config.task, config.data, dataset.targets)
    check_metrics(config.task, config.objectives, len(dataset.classes))
    return replace(dataset, validation=draw_rows(dataset.validation, config.recipe.validation, config.split))


def held(config: SearchConfig, dataset: Dataset) -> Dataset:
    """Bring the images of a data set into memory, those that a search uses. Raises DataError as `check_boxed` does."""
    recipe, split = config.recipe, config.split
    found = in_memory(dataset, recipe.subset, split)
    check_boxed(replace(found, train=draw_rows(found.train, recipe.subset, split)), "train", "validation")
    return found


def fit(space: SearchSpace, dataset: Dataset, task: str) -> SearchSpace:
    """Fit a space to a data set. Raises SpaceError for a head that does not fit the task."""
    for kind in space.head.kinds:
        check_head(task, kind)
    return space.fit(resolution=dataset.resolution, channels=dataset.channels, classes=len(dataset.classes))


def doubts(config: SearchConfig, space: SearchSpace) -> list[str]:
    """Warn of what may be meant otherwise: limits on the good side of an objective, stages on a single pixel.

    Raises SpaceError for a kind from outside nas that runs in no random network.
    """
    sides = (("minimize", "small", config.minimum, "min", "max"), ("maximize", "large", config.maximum, "max", "min"))
    turned = [
        f"--{typed} {name}={exact(value)} shuts out the best in {name}, which is to be {small}; --{meant} "
        f"{name}={exact(value)} shuts out the worst"
        for goal, small, limits, typed, meant in sides
        for name, value in limits.items()
        if objective(name).goal == goal
    ]
    drawn = [list(pieces(network)) for network in draw(space, DRAWN)]
    return [*turned, *_cramped(space, drawn), *_failing(space, drawn)]


def _cramped(space: SearchSpace, drawn: Sequence[Sequence[Piece]]) -> list[str]:
    """Warn of random networks that have a stage on a map of one pixel, which has no neighbours to look at."""
    maps = [[piece.out_resolution for piece in network[1:-1]] for network in drawn]
    count, side = sum((1, 1) in sizes for sizes in maps), max(space.resolution)
    if not count:
        return []
    return [f"{count} of {len(drawn)} random networks of {space.name} have a stage on a map of one pixel, where "
            f"kernels and attention see no neighbour; the images are {side} x {side} (--resolution)"]  # fmt: skip


def _failing(space: SearchSpace, drawn: Sequence[Sequence[Piece]]) -> list[str]:
    """Warn of kinds from outside nas that do not run everywhere. Raises SpaceError for one that runs nowhere."""
    ran, failed = set[tuple[str, str]](), dict[tuple[str, str], SpaceError]()
    for piece in dict.fromkeys(piece for network in drawn for piece in network):
        if not lasting(piece):
            try:
                count(piece)
                ran.add((piece.part, piece.kind))
            except SpaceError as error:
                failed.setdefault((piece.part, piece.kind), error)
    for kind, why in failed.items():
        if kind not in ran:
            raise why
    return [f"some networks of {space.name} cannot be trained: {why}" for why in failed.values()]


def look(config: SearchConfig, space: SearchSpace | None = None) -> Devices:
    """Check the settings on the machine where trials run, and name its devices.

    Raises SettingError for a device or target that it lacks, for an objective that fails, or cannot be measured on it,
    and for a limit that nothing in `space` meets there.
    """
    device = choose_device(config.device)
    deployment = deployment_of(config)
    if config.device_file and config.latency == "measured":
        raise SettingError(f"latency measured: the device of {config.target} is elsewhere; write predicted")
    asked = [objective(name) for name in (*config.objectives, *config.maximum, *config.minimum)]
    for one in asked:
        if why := one.missing(deployment):
            raise SettingError(why)
    if space is not None:
        limits = Limits(config, conditions_of(config, device_predictor(config, space), deployment))
        _try(asked, limits, space)
        limits.check(space)
        limits.check_measured(space)
    timed = deployment.device_name() if deployment and any(one.timed for one in asked) else ""
    return Devices(device_name(device), timed)


def _try(asked: Iterable[Objective], limits: Limits, space: SearchSpace) -> None:
    """Raise SettingError for an objective that fails, or that nothing would tell."""
    first = space.smallest()
    told = limits.cheap(first).keys()
    for one in asked:
        if not (one.trained or one.measure or one.slow or one.name in told):
            one.read(Candidate(first, limits.conditions))
    decided = {one.name: one for one in asked if one.known and limits.is_quick(one)}
    for candidate in [Candidate(other, limits.conditions) for other in draw(space, DRAWN)] if decided else ():
        check_alike(told & decided.keys(), {n for n, one in decided.items() if one.tell(candidate) is not None})


def _resolve_placement(
    config: SearchConfig, dataset: Dataset, space: SearchSpace, outside: Outside
) -> tuple[Placement, Executor]:
    placement = choose_placement(config, dataset, space.largest())
    if placement.gpu_share:
        placement = replace(placement, gpu_share=outside.carry(placement.gpu_share))
    return placement, load_executor(choose_executor(config, placement))
