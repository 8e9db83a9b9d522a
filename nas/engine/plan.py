"""Resolve a search's settings once, before its first trial, and raise every error of the user's there."""

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
from nas.evaluation.picks import read_rule
from nas.evaluation.plugins import Outside
from nas.network.architecture import Architecture
from nas.record.outside import outside_of
from nas.record.run import Run
from nas.registry import EXECUTORS, HEADS
from nas.space.library import load_architecture
from nas.space.space import SearchSpace
from nas.training.catalogue import load_task
from nas.training.images import in_memory


@dataclass(frozen=True)
class Plan:
    """The settings of a search, resolved.

    `space` is fitted to the data; `designs` are the networks to start from. `executor` runs trials at `placement`, and
    `device` is the device's name there, on a cluster that of one node's. `predictor` predicts latency without
    measuring, or is None. `outside` has the kinds from outside nas.
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
        """The limits that can be checked from decisions and predictor alone."""
        return Limits(self.config, conditions_of(self.config, self.predictor))


def new_plan(config: SearchConfig, space: SearchSpace, progress: Progress = lambda done, of: None) -> Plan:
    """Plan a new search, and measure what its predictor needs, if it has one, telling `progress`.

    Raises SettingError, SpaceError or DataError for settings, a space or data that are wrong.
    """
    check_settings(config)
    designs = tuple(load_architecture(name) for name in config.seed_with)
    dataset = load_data(config)
    fitted = fit(space, dataset, config.task)
    outside = outside_of(config, fitted)
    placement, executor = _resolve_placement(config, dataset, fitted, outside)
    device = executor.there(outside.carry(partial(look, config, fitted)), placement)
    predictor = new_predictor(config, fitted, executor, placement, outside, progress)
    plan = Plan(config, dataset, fitted, designs, placement, executor, device, predictor, outside)
    if predictor:
        plan.limits.check(fitted)
    return plan


def plan_of(run: Run) -> Plan:
    """Plan how a search goes on. Raises as `new_plan` does."""
    config = run.config
    check_settings(config)
    designs = tuple(load_architecture(name) for name in config.seed_with)
    dataset = load_data(config)
    placement, executor = _resolve_placement(config, dataset, run.space, run.outside)
    device = executor.there(run.outside.carry(partial(look, config)), placement)
    return Plan(config, dataset, run.space, designs, placement, executor, device, kept_predictor(run), run.outside)


def check_settings(config: SearchConfig) -> None:
    """Raise SettingError for settings that are wrong wherever trials run."""
    for option, limits in (("--max", config.maximum), ("--min", config.minimum)):
        for name in limits:
            if objective(name).trained:
                raise SettingError(f"{option} {name}: known only after training, so it cannot be a limit before it")
    metrics = load_task(config.task).metrics
    for name in config.objectives:
        if objective(name).trained and name not in metrics:
            raise SettingError(f"objectives: {name} is no metric of the task {config.task}: {', '.join(metrics)}")
    read_rule(config.pick, config)


def load_data(config: SearchConfig) -> Dataset:
    """Load the data set of a search. Raises DataError, also if its targets are not those of the task."""
    dataset = datasets.load(config.data, seed=config.seed, resolution=config.resolution)
    load_task(config.task).check_targets(dataset.name, dataset.targets)
    return in_memory(dataset, config.recipe.subset, config.seed)


def fit(space: SearchSpace, dataset: Dataset, task: str) -> SearchSpace:
    """Fit a space to a data set. Raises SpaceError for a head that does not fit the task."""
    fitting = [kind for kind in HEADS.at_hand() if HEADS.get(kind).outputs == load_task(task).outputs]
    for kind in space.head.kinds:
        load_task(task).check_head(kind, HEADS.get(kind).outputs, fitting)
    return space.fit(resolution=dataset.resolution, channels=dataset.channels, classes=len(dataset.classes))


def look(config: SearchConfig, space: SearchSpace | None = None) -> str:
    """Check the settings on the machine where trials run, and return its device's name.

    Raises SettingError for a device or target that it lacks, for an objective that cannot be measured on it, and for a
    limit that nothing in `space` meets there.
    """
    device = choose_device(config.device)
    deployment = deployment_of(config)
    if config.device_file and config.latency == "measured":
        raise SettingError(f"latency measured: the device of {config.target} is elsewhere; write predicted")
    for name in (*config.objectives, *config.maximum, *config.minimum):
        if why := objective(name).missing(deployment):
            raise SettingError(why)
    if space is not None:
        limits = Limits(config, conditions_of(config, device_predictor(config, space), deployment))
        limits.check(space)
        limits.check_measured(space)
    return device_name(device)


def _resolve_placement(
    config: SearchConfig, dataset: Dataset, space: SearchSpace, outside: Outside
) -> tuple[Placement, Executor]:
    placement = choose_placement(config, dataset, space.largest())
    if placement.gpu_share:
        placement = replace(placement, gpu_share=outside.carry(placement.gpu_share))
    executor: Executor = EXECUTORS.get(choose_executor(config, placement))
    return placement, executor
