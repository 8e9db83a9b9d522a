"""Plan: all that a search resolves before its first trial, once; every error of the user's is raised here."""

from dataclasses import dataclass, replace
from functools import cached_property, partial

from nas import data as datasets
from nas.config import SearchConfig
from nas.costs.deployment import choose_device, device_name
from nas.costs.latency.predictor import Predictor
from nas.costs.latency.sampling import Progress
from nas.data import Dataset
from nas.engine.executors import Executor, Placement
from nas.engine.placement import choose_executor, choose_placement
from nas.engine.prediction import device_predictor, kept_predictor, new_predictor
from nas.errors import SettingError
from nas.evaluation.catalogue import objective
from nas.evaluation.evaluator import conditions_of, deployment_of
from nas.evaluation.limits import Limits
from nas.evaluation.plugins import Outside
from nas.network.architecture import Architecture
from nas.record.outside import outside_of
from nas.record.run import Run
from nas.registry import EXECUTORS, FILE_TARGET, HEADS
from nas.space.library import load_architecture
from nas.space.space import SearchSpace
from nas.training.catalogue import load_task


@dataclass(frozen=True)
class Plan:
    """The settings of a search, resolved.

    `space` is fitted to the data; `designs` are the networks to start from. `executor` runs trials at `placement`, on
    the device that its maker calls `device`: on a cluster, one of its nodes'. `predictor` tells milliseconds without
    measuring, or is None. `outside` is what its trials need from outside nas.
    """

    config: SearchConfig
    dataset: Dataset
    space: SearchSpace
    designs: tuple[Architecture, ...]
    placement: Placement
    executor: Executor
    device: str
    predictor: Predictor | None
    outside: Outside

    @cached_property
    def limits(self) -> Limits:
        """The search's limits, as far as decisions and predictor tell."""
        return Limits(self.config, conditions_of(self.config, self.predictor))


def new_plan(config: SearchConfig, space: SearchSpace, progress: Progress = lambda done, of: None) -> Plan:
    """The plan of a new search; measures what its predictor needs, if it has one, which `progress` is told.

    Raises SettingError, SpaceError or DataError for what cannot stand.
    """
    check_settings(config)
    designs = tuple(load_architecture(name) for name in config.seed_with)
    dataset = load_data(config)
    fitted = fit(space, dataset, config.task)
    outside = outside_of(config, fitted)
    placement, executor = _place(config, dataset, fitted, outside)
    device = executor.there(outside.carry(partial(look, config, fitted)), placement)
    predictor = new_predictor(config, fitted, executor, placement, outside, progress)
    plan = Plan(config, dataset, fitted, designs, placement, executor, device, predictor, outside)
    if predictor:
        plan.limits.check(fitted)
    return plan


def plan_of(run: Run) -> Plan:
    """The plan of a search that goes on. Raises as `new_plan` does."""
    config = run.config
    check_settings(config)
    designs = tuple(load_architecture(name) for name in config.seed_with)
    dataset = load_data(config)
    placement, executor = _place(config, dataset, run.space, run.outside)
    device = executor.there(run.outside.carry(partial(look, config)), placement)
    return Plan(config, dataset, run.space, designs, placement, executor, device, kept_predictor(run), run.outside)


def check_settings(config: SearchConfig) -> None:
    """Raise SettingError for settings that cannot stand wherever trials run."""
    for option, limits in (("--max", config.maximum), ("--min", config.minimum)):
        for name in limits:
            if objective(name).trained:
                raise SettingError(f"{option} {name}: known only after training, so it cannot be a limit before it")
    metrics = load_task(config.task).metrics
    for name in config.objectives:
        if objective(name).trained and name not in metrics:
            raise SettingError(f"objectives: {name} is no metric of the task {config.task}: {', '.join(metrics)}")


def load_data(config: SearchConfig) -> Dataset:
    """The data set of a search. Raises DataError, also for one whose targets are not those of the task."""
    dataset = datasets.load(config.data, seed=config.seed, resolution=config.resolution)
    load_task(config.task).check_targets(dataset.name, dataset.targets)
    return dataset


def fit(space: SearchSpace, dataset: Dataset, task: str) -> SearchSpace:
    """A space for a data set. Raises SpaceError for a head that does not fit the task."""
    fitting = [kind for kind in HEADS.at_hand() if HEADS.get(kind).outputs == load_task(task).outputs]
    for kind in space.head.kinds:
        load_task(task).check_head(kind, HEADS.get(kind).outputs, fitting)
    return space.fit(resolution=dataset.resolution, channels=dataset.channels, classes=len(dataset.classes))


def look(config: SearchConfig, space: SearchSpace | None = None) -> str:
    """Look at the machine on which trials run; returns its device's name.

    Raises SettingError for a device or target that is not there, for an objective that cannot be measured on it, and
    for a limit that nothing in `space` meets there.
    """
    device = choose_device(config.device)
    elsewhere = config.target.startswith(FILE_TARGET)
    deployment = deployment_of(config)
    if elsewhere and config.latency == "measured":
        raise SettingError(f"latency measured: the device of {config.target} is elsewhere; write predicted")
    for name in (*config.objectives, *config.maximum, *config.minimum):
        if why := objective(name).missing(deployment):
            raise SettingError(why)
    if space is not None:
        predictor = device_predictor(config, space) if elsewhere else None
        limits = Limits(config, conditions_of(config, predictor, deployment))
        limits.check(space)
        limits.check_measured(space)
    return device_name(device)


def _place(config: SearchConfig, dataset: Dataset, space: SearchSpace, outside: Outside) -> tuple[Placement, Executor]:
    placement = choose_placement(config, dataset, space.largest())
    if placement.gpu_share:
        placement = replace(placement, gpu_share=outside.carry(placement.gpu_share))
    executor: Executor = EXECUTORS.get(choose_executor(config, placement))
    return placement, executor
