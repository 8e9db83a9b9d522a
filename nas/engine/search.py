"""The search: load the pieces, put them together, and hand them to an executor."""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import filelock

from nas import data as datasets
from nas.config import Budget, SearchConfig, make_config, parse_budget
from nas.costs.device import choose_device
from nas.engine.confirm import Confirmer
from nas.engine.latency import check_deployment, check_limits, measure_front, predictor_of
from nas.engine.placement import choose_executor, choose_placement
from nas.engine.proposer import Proposer, Watcher
from nas.engine.warm_start import learn
from nas.errors import NasError, RunError, SettingError
from nas.evaluation.deployment import deployment_of
from nas.evaluation.evaluator import Evaluator
from nas.evaluation.job import Job, Outcome
from nas.evaluation.limits import Feasibility
from nas.record.environment import environment
from nas.record.folders import check_new, find_run
from nas.record.run import Run
from nas.registry import EXECUTORS, OBJECTIVES
from nas.report.page import write_report
from nas.space.grammar import load_architecture, load_space

MAX_NAMED = 20  # images that could not be read, in environment.json


def search(
    space: str | Path = "cvt_family",
    *,
    data: str = "cluttered_digits",
    budget: int | str = 200,
    name: str | None = None,
    runs: str | Path = "runs",
    watcher: Watcher | None = None,
    **settings: Any,
) -> Run:
    """Search a space for the architectures that are best in several objectives at once.

    `budget` is a number of architectures (200) or a time ("30m"). `settings` are the fields of
    `nas.config.SearchConfig`: objectives, maximum, minimum, sampler, seed, seed_with, warm_start, scores, prefilter,
    device, recipe, ...

    Raises SettingError, SpaceError or DataError for what cannot stand, before anything is written; RunError when the
    search cannot go on.
    """
    config = make_config({"space": str(space), "data": data, "budget": parse_budget(budget), **settings})
    _check(config)
    chosen = load_space(space)
    for known in config.seed_with:
        load_architecture(known)
    earlier = [Run(find_run(known, Path(runs))) for known in config.warm_start]
    folder = Path(runs) / (_default_name(chosen.name) if name is None else _checked_name(name))
    check_new(folder)
    dataset = datasets.load(data, seed=config.seed, resolution=config.resolution)
    fitted = chosen.fit(resolution=dataset.resolution, channels=dataset.channels, classes=len(dataset.classes))
    if not config.ray:  # what its nodes have is seen there
        check_limits(config, fitted)
    skipped = {"unreadable_images": len(dataset.skipped), "unreadable": list(dataset.skipped[:MAX_NAMED])}
    made = environment("auto" if config.ray else config.device, config.seed) | skipped
    learnt = learn(earlier, config, fitted, made["device"]) if earlier else None
    run = Run.create(folder, config, fitted, made, learnt)
    return _drive(run, dataset, watcher or Watcher())


def resume(run: Run | str | Path, *, budget: int | str | None = None, watcher: Watcher | None = None) -> Run:
    """Go on with an interrupted search, or with a finished one under a larger budget.

    Finished trials are kept and learnt from; only the interrupted one is repeated. Raises RunError when another
    process is searching in the same folder.
    """
    run = run if isinstance(run, Run) else Run(Path(run))
    longer = None if budget is None else parse_budget(budget)
    _check(run.config)
    dataset = datasets.load(run.config.data, seed=run.config.seed, resolution=run.config.resolution)
    return _drive(run, dataset, watcher or Watcher(), longer)


def _drive(run: Run, dataset: datasets.Dataset, watcher: Watcher, budget: Budget | None = None) -> Run:
    with _locked(run):
        run.repair()
        if budget:
            run.extend(budget)
        placement = choose_placement(run.config, dataset, run.space.largest())
        execute = EXECUTORS.get(choose_executor(run.config, placement))
        watcher.placed(placement, run)
        predictor = predictor_of(run, watcher.calibrated)
        Feasibility(run.config, predictor).check(run.space)
        proposer = Proposer(run, watcher, parallel=placement.workers != 1, predictor=predictor)
        confirmer = Confirmer(run, watcher, proposer.elapsed)

        def ask() -> Job | None:
            job = proposer.ask()
            return job if job or proposer.running else confirmer.ask()

        def tell(job: Job, outcome: Outcome) -> None:
            (confirmer if job.repeat else proposer).tell(job, outcome)

        try:
            execute(ask, tell, partial(Evaluator, run.config, dataset, predictor=predictor), placement)
            measure_front(run)
        except BaseException:
            with suppress(NasError):  # what ended the search says more than a report that cannot be written
                write_report(run)
            raise
        write_report(run)
    return run


@contextmanager
def _locked(run: Run) -> Iterator[None]:
    lock = filelock.FileLock(run.folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise RunError(f"{run.folder}: another process is searching there; wait for it or end it") from None
    except OSError as error:
        raise RunError(f"{run.folder}: cannot be written ({error.strerror})") from None
    try:
        yield
    finally:
        lock.release()


def _default_name(space: str) -> str:
    plain = re.sub(r"[^\w-]+", "-", space)
    return f"{plain}-{datetime.now():%Y%m%d-%H%M%S}"


def _checked_name(name: str) -> str:
    if re.fullmatch(r"[^/\\\0]{1,100}", name) and name not in (".", ".."):
        return name
    raise SettingError(f"name: found '{name[:100]}'; a run's name is that of one folder, without slashes. "
                       "Write the folder that holds the runs with --runs")  # fmt: skip


def _check(config: SearchConfig) -> None:
    """What can be known before anything is loaded."""
    if not config.ray:
        choose_device(config.device)
    for option, limits in (("--max", config.maximum), ("--min", config.minimum)):
        for name in limits:
            if OBJECTIVES.get(name).trained:
                raise SettingError(f"{option} {name}: known only after training, so it cannot be a limit before it")
    if config.ray:  # what its nodes have is seen there
        return
    check_deployment(config)
    deployment = deployment_of(config)
    for name in (*config.objectives, *config.maximum, *config.minimum):
        if why := OBJECTIVES.get(name).missing(deployment):
            raise SettingError(why)
