"""Search: make a plan and a run, and keep an executor busy until the budget is spent and the front confirmed."""

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from nas.config import SearchConfig, make_config, parse_budget
from nas.data.summary import causes, first_left_out
from nas.engine.executors import Ask
from nas.engine.following import followed
from nas.engine.jobs import Jobs
from nas.engine.live import LivePage
from nas.engine.plan import Plan, new_plan, plan_of
from nas.engine.prediction import predictor_facts
from nas.engine.proposer import Proposer
from nas.engine.warm_start import check_teachers, learn
from nas.engine.watcher import Watcher, watcher_of
from nas.errors import SettingError, UserError
from nas.evaluation.evaluator import Evaluator
from nas.evaluation.job import Job, Outcome
from nas.evaluation.plugins import load_plugins
from nas.files import Json, quoted, sweep
from nas.network.architecture import Architecture
from nas.record import paused
from nas.record.environment import changes, environment, note_finished, note_start
from nas.record.folders import find_run, locked, new_folder
from nas.record.listing import is_calibration
from nas.record.opening import open_run
from nas.record.optuna_study import quiet_optuna
from nas.record.outside import check_unchanged
from nas.record.run import Run
from nas.report.architectures import FRONT
from nas.report.page import write_report
from nas.settings import plugin_paths, text_of
from nas.space.library import load_space
from nas.space.matching import nearest
from nas.space.space import SearchSpace
from nas.training.caller import undisturbed


@undisturbed()
def search(
    space: str | Path | Mapping[str, Any] | SearchSpace = "",
    *,
    data: str = "",
    budget: int | str = 200,
    name: str | None = None,
    runs: str | Path = "runs",
    watcher: Watcher | None = None,
    **settings: Any,
) -> Run:
    """Search a space for the architectures that are best in several objectives at once.

    `space` is what `nas.load_space` takes, `data` written as on the command line, each by default that of the task;
    `budget` is a number of architectures (200) or a time ("30m"). `settings` are the fields of
    `nas.config.SearchConfig`: task, objectives, maximum, minimum, pick, sampler, seed, seed_with, warm_start, scores,
    prefilter, device, recipe, plugins, ...

    Raises SettingError, SpaceError or DataError for settings, a space or data that are wrong, before anything is
    written, and RunError when the search cannot go on.
    """
    watcher = watcher_of(watcher)
    load_plugins(*plugin_paths(settings.get("plugins")))  # settings and space may name their kinds
    named = text_of(space, "space") if isinstance(space, str | Path) else "space"
    config = make_config({"space": named, "data": data, "budget": parse_budget(budget), **settings})
    chosen, runs = wanted_space(space, config), Path(text_of(runs, "runs"))
    earlier = [Run(find_run(known, runs)) for known in config.warm_start]
    check_teachers(earlier, config)
    new_folder(runs, name, chosen.name)  # refuses a wrong name before the work
    plan = new_plan(config, chosen, watcher.timed, watcher.warned, runs)
    learnt = learn(earlier, plan.config, plan.space, plan.devices.timed, plan.data) if earlier else None
    predictor = predictor_facts(plan.predictor) if plan.predictor else None
    own = [plan.space.replay(nearest(plan.space, design)) for design in plan.designs]  # of kinds that the run has
    start = _start(plan)  # before the folder has a name, which another might take meanwhile
    run = Run.create(
        new_folder(runs, name, chosen.name), plan.config, plan.space, start, learnt, plan.outside,
        predictor=predictor, data=plan.data, designs=[one.to_dict() for one in own], seeds=_seeds(plan.designs, own),
        calibration=plan.calibration,
    )  # fmt: skip
    with locked(run.folder), _left_only_with_trials(run):
        return _drive(run, plan, watcher)


@contextmanager
def _left_only_with_trials(run: Run) -> Iterator[None]:
    """Remove a new run's folder where something of the user's is refused within the block before its first trial."""
    try:
        yield
    except UserError:
        if not run.trials:
            shutil.rmtree(run.folder, ignore_errors=True)
        raise


def wanted_space(space: str | Path | Mapping[str, Any] | SearchSpace, config: SearchConfig) -> SearchSpace:
    """Load the space that was given, or for an empty text that of the settings. Raises as `load_space` does."""
    return load_space(config.space if isinstance(space, str) and not space else space)


@undisturbed()
def resume(
    run: Run | str | Path,
    *,
    runs: str | Path = "runs",
    watcher: Watcher | None = None,
    **settings: Any,
) -> Run:
    """Go on with an interrupted search, or with a finished one under a larger budget. `runs` is where names are found.

    Finished trials are kept, and only interrupted ones repeated. `settings` are those that change from now on: the
    `budget`, `confirm`, where networks are trained (`workers`, `ray`, ...), `log`, and `data` that were moved. The
    front is trained again until each of its networks has `confirm` further trainings.

    Raises RunError when another process is searching in the same folder or when its record is damaged, SettingError or
    DataError when a plug-in file, a setting, the space, the data or the device that times are measured on is another
    than when the search began, and for a calibration.
    """
    watcher, run = watcher_of(watcher), open_run(run, runs)
    if is_calibration(run):
        raise SettingError(f"{run.folder}: a calibration; the nas calibrate command that began it goes on with it, "
                           f"with --name {quoted(run.folder.name)}")  # fmt: skip
    return go_on(run, watcher=watcher, **settings)


@undisturbed()
def go_on(run: Run, *, watcher: Watcher | None = None, **settings: Any) -> Run:
    """Go on with a search, which may be part of a calibration. Raises as `resume` does."""
    watcher = watcher_of(watcher)
    with locked(run.folder):
        for warning in check_unchanged(run.folder):
            watcher.warned(warning)
        run.repair()
        for folder in (run.folder, run.folder / FRONT, run.folder / paused.FOLDER):
            sweep(folder)
        plan = plan_of(run, watcher.warned, settings)
        start = _start(plan) | {"elapsed": run.elapsed}
        for warning in changes(run.environment, start, run.name):
            watcher.warned(warning)

        def begin() -> None:
            if settings:
                run.go_by(plan.config)
            note_start(run.folder, start)

        return _drive(run, plan, watcher, begin)


def _seeds(designs: Iterable[Architecture], own: Iterable[Architecture]) -> list[Json]:
    """For each design to start from, the key of the network that stands for it, and whether that is the design."""
    seeds = []
    for design, ours in zip(designs, own, strict=True):
        fitted = replace(design, resolution=ours.resolution, channels=ours.channels, classes=ours.classes)
        seeds.append({"name": design.name, "key": ours.key(), "exact": fitted.key() == ours.key()})
    return seeds


def _start(plan: Plan) -> Json:
    """The facts of a start of this plan."""
    devices, skipped = plan.devices, plan.dataset.skipped
    left = {"unreadable_images": len(skipped), "unreadable": first_left_out(skipped), "left_out": causes(skipped)}
    made = environment(devices.training, plan.config.seed, plan.outside.packages)
    made |= {"timed_on": devices.timed} if devices.timed else {}
    made |= {"workers": plan.placement.workers} if plan.placement.workers else {}
    return made | left


def _drive(run: Run, plan: Plan, watcher: Watcher, begin: Callable[[], None] = lambda: None) -> Run:
    """Search to the end. `begin` is called when nothing can be refused any more."""
    with quiet_optuna(), ExitStack() as stack:
        proposer = Proposer(run, plan, watcher)
        begin()
        watcher = proposer.watcher = stack.enter_context(followed(run, watcher))
        watcher.placed(plan.placement, run)
        jobs, page = Jobs(run, watcher, proposer), LivePage(run, watcher.warned)

        def tell(job: Job, outcome: Outcome) -> None:
            jobs.tell(job, outcome)
            page.refresh()

        prepare = plan.outside.carry(partial(Evaluator, plan.config, plan.dataset, predictor=plan.predictor))
        try:
            plan.executor.execute(Ask(jobs.choose, jobs.begin), tell, prepare, plan.placement)
        except BaseException:
            with suppress(Exception):  # the error that ended the search says more
                write_report(run)
            raise
        note_finished(run.folder, proposer.size if proposer.exhausted else None)
        write_report(run)
    return run
